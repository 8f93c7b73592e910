/* Words of a text, each counted in the bucket of its hash. */

typedef struct {
    unsigned long code;
    unsigned char bytes[4];
    int n;
} cr_sign;

/* Read the sign at a place of a text in UTF-8, and return where the next begins; a byte that is none is a sign of its own. */
static int cr_sign_at(const char *text, int n, int at, cr_sign *sign)
{
    const unsigned char first = (unsigned char)text[at];
    const int more = first >= 0xF0 ? 3 : first >= 0xE0 ? 2 : first >= 0xC0 ? 1 : 0;
    sign->code = more == 3 ? first & 0x07U : more == 2 ? first & 0x0FU : more == 1 ? first & 0x1FU : first;
    for (int k = 1; k <= more && at + k < n; k++) {
        sign->code = (sign->code << 6) | ((unsigned char)text[at + k] & 0x3FU);
    }
    return at + 1 + more < n ? at + 1 + more : n; /* a sign that is cut off ends the text */
}

/* Make a letter small, and write a sign in UTF-8. */
static void cr_small(cr_sign *sign)
{
    for (int k = 0; k < cr_n_cases; k++) {
        const long *one = cr_cases[k], code = (long)sign->code;
        if (one[0] <= code && code <= one[1] && (code - one[0]) % one[2] == 0) {
            sign->code = (unsigned long)(code + one[3]);
            break;
        }
    }
    sign->n = sign->code < 0x80 ? 1 : sign->code < 0x800 ? 2 : sign->code < 0x10000 ? 3 : 4;
    for (int k = sign->n - 1; k > 0; k--) {
        sign->bytes[k] = (unsigned char)(0x80U | ((sign->code >> (6 * (sign->n - 1 - k))) & 0x3FU));
    }
    sign->bytes[0] = (unsigned char)(sign->n == 1 ? sign->code
                                                  : (0xF00U >> sign->n & 0xFFU) | (sign->code >> (6 * (sign->n - 1))));
}

static int cr_is_separator(unsigned long code)
{
    for (int k = 0; k < cr_n_separators; k++) {
        if (cr_separators[k] == code) {
            return 1;
        }
    }
    return 0;
}

/* Go on with a 32-bit FNV-1a hash by a sign. */
static unsigned long cr_fnv(unsigned long hash, const cr_sign *sign)
{
    for (int k = 0; k < sign->n; k++) {
        hash = ((hash ^ sign->bytes[k]) * 0x01000193UL) & 0xFFFFFFFFUL;
    }
    return hash;
}

static void cr_count(unsigned long hash, unsigned long buckets, const unsigned long *kept, int n_kept, double *counts)
{
    int low = 0, high = n_kept;
    while (low < high) {
        const int middle = low + (high - low) / 2;
        if (kept[middle] < hash % buckets) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    if (low < n_kept && kept[low] == hash % buckets) {
        counts[low] += 1.0;
    }
}

/* Count a text's words and pieces of words in the kept buckets; return NAN where the text is missing, else 0. */
static double cr_words(const char *text, unsigned long buckets, const unsigned long *kept, int n_kept, double *counts)
{
    cr_sign last[cr_piece];
    unsigned long word = 0;
    int n = 0, at = 0, size = 0;
    for (int k = 0; k < n_kept; k++) {
        counts[k] = 0.0;
    }
    if (text == 0) {
        return (double)NAN;
    }
    text = cr_trimmed(text, &n);
    if (cr_is_missing(text, n)) {
        return (double)NAN;
    }
    while (at <= n) {
        cr_sign sign = {0, {0, 0, 0, 0}, 0};
        int ends = 1;
        if (at < n) {
            at = cr_sign_at(text, n, at, &sign);
            ends = cr_is_separator(sign.code);
        } else {
            at++;
        }
        if (ends && size == 0) {
            continue;
        }
        if (size == 0) {
            last[0].code = '<';
            cr_small(&last[0]);
            word = cr_fnv(0x811C9DC5UL, &last[0]);
            size = 1;
        }
        sign.code = ends ? '>' : sign.code;
        cr_small(&sign);
        word = cr_fnv(word, &sign);
        last[size % cr_piece] = sign;
        size++;
        if (size > cr_piece || (size == cr_piece && !ends)) {
            unsigned long hash = 0x811C9DC5UL;
            for (int k = size - cr_piece; k < size; k++) {
                hash = cr_fnv(hash, &last[k % cr_piece]);
            }
            cr_count(hash, buckets, kept, n_kept, counts);
        }
        if (ends) {
            cr_count(word, buckets, kept, n_kept, counts);
            size = 0;
        }
    }
    return 0.0;
}
