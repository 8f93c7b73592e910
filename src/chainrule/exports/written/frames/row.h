/* Cells of a row as numbers. */

typedef struct {
    double number;
    int place;
} cr_numeric;

typedef struct {
    const char *name;
    int number;
} cr_month;

static int cr_length(const char *text)
{
    int n = 0;
    while (text[n] != '\0') {
        n++;
    }
    return n;
}

static int cr_is(const char *text, int n, const char *word)
{
    int i = 0;
    while (i < n && word[i] != '\0' && text[i] == word[i]) {
        i++;
    }
    return i == n && word[n] == '\0';
}

/* Take the blanks off both ends of a text. */
static const char *cr_trimmed(const char *text, int *size)
{
    int n = cr_length(text), again = 1;
    while (again && n > 0) {
        again = 0;
        for (int b = 0; b < cr_n_blanks; b++) {
            const int m = cr_length(cr_blanks[b]);
            if (m <= n && cr_is(text, m, cr_blanks[b])) {
                text += m;
                n -= m;
                again = 1;
            } else if (m <= n && cr_is(text + n - m, m, cr_blanks[b])) {
                n -= m;
                again = 1;
            }
        }
    }
    *size = n;
    return text;
}

static int cr_is_missing(const char *text, int n)
{
    int found = n == 0;
    for (int w = 0; w < cr_n_missing && !found; w++) {
        found = cr_is(text, n, cr_missing[w]);
    }
    return found;
}

static int cr_is_digit(char sign)
{
    return sign >= '0' && sign <= '9';
}
