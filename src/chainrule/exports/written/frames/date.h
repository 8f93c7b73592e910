
typedef struct {
    int year, month, day, hour, minute, second, micro;
} cr_moment;

static char cr_lower(char sign)
{
    return sign >= 'A' && sign <= 'Z' ? (char)(sign - 'A' + 'a') : sign;
}

/* Tell whether a byte is of a letter: of ASCII, or any other. */
static int cr_is_letter(char sign)
{
    return (cr_lower(sign) >= 'a' && cr_lower(sign) <= 'z') || (unsigned char)sign >= 0xc3;
}

/* Tell whether a byte goes on with the sign before it. */
static int cr_goes_on(char sign)
{
    return (unsigned char)sign >= 0x80 && (unsigned char)sign < 0xc0;
}

/* Read up to `most` digits, of which there must be `least`. */
static int cr_digits(const char *text, int n, int *at, int least, int most, int *value)
{
    int count = 0;
    *value = 0;
    while (count < most && *at < n && cr_is_digit(text[*at])) {
        *value = 10 * *value + (text[(*at)++] - '0');
        count++;
    }
    return count >= least;
}

/* Read a minute or a second: two digits below 60. */
static int cr_sixty(const char *text, int n, int *at, int *value)
{
    return *at < n && text[*at] <= '5' && cr_digits(text, n, at, 2, 2, value);
}

/* Skip a blank, if there is one: a space, or one that doesn't break a line. */
static int cr_one_blank(const char *text, int n, int *at)
{
    static const char *const blanks[] = {" ", "\xc2\xa0", "\xe2\x80\x89", "\xe2\x80\xaf"};
    for (int b = 0; b < 4; b++) {
        const int size = cr_length(blanks[b]);
        if (*at + size <= n && cr_is(text + *at, size, blanks[b])) {
            *at += size;
            return 1;
        }
    }
    return 0;
}

static int cr_blank(const char *text, int n, int *at)
{
    const int from = *at += *at < n && text[*at] == ',';
    while (cr_one_blank(text, n, at)) {
    }
    return *at > from;
}

/* Skip one of some words, if it is there. */
static void cr_word(const char *text, int n, int *at, const char *const *words, int n_words)
{
    for (int k = 0; k < n_words; k++) {
        const int size = cr_length(words[k]);
        if (*at + size <= n && cr_is(text + *at, size, words[k])) {
            *at += size;
            return;
        }
    }
}

static int cr_offset(const char *text, int n, int *at)
{
    int value = 0, size = 0;
    cr_one_blank(text, n, at);
    while (*at + size < n && text[*at + size] >= 'A' && text[*at + size] <= 'Z') {
        size++;
    }
    if (size == 0 && *at < n && text[*at] == 'z') {
        size = 1;
    }
    if (size > 0) {
        *at += size;
        return size == 3 || size == 4 || (size == 1 && (text[*at - 1] == 'Z' || text[*at - 1] == 'z'));
    }
    if (*at >= n || (text[*at] != '+' && text[*at] != '-')) {
        return 0;
    }
    (*at)++;
    if (!cr_digits(text, n, at, 2, 2, &value)) {
        return 0;
    }
    if (*at < n) {
        *at += text[*at] == ':';
        return cr_digits(text, n, at, 2, 2, &value);
    }
    return 1;
}

static int cr_month_name(const char *text, int n, int *at, int *month)
{
    const int from = *at;
    int size = 0, letters = 0;
    while (letters < 12 && *at < n && cr_is_letter(text[*at])) {
        for ((*at)++; *at < n && cr_goes_on(text[*at]);) {
            (*at)++;
        }
        letters++;
    }
    size = *at - from;
    *month = 0;
    for (int k = 0; k < (int)(sizeof cr_months / sizeof cr_months[0]); k++) {
        int i = 0;
        while (i < size && cr_months[k].name[i] == cr_lower(text[from + i])) {
            i++;
        }
        if (i == size && cr_months[k].name[size] == '\0') {
            *month = cr_months[k].number;
        }
    }
    *at += *at < n && text[*at] == '.';
    return letters >= 3;
}

/* Skip the name of a day, if there is one. */
static void cr_day_name(const char *text, int n, int *at)
{
    static const char *const days[] = {"mon", "tue", "wed", "thu", "fri", "sat", "sun"};
    for (int d = 0; d < 7 && n >= 3; d++) {
        if (cr_lower(text[0]) == days[d][0] && text[1] == days[d][1] && text[2] == days[d][2]) {
            int i = 3;
            while (i < n && text[i] >= 'a' && text[i] <= 'z') {
                i++;
            }
            if (cr_blank(text, n, &i)) {
                *at = i;
            }
        }
    }
}

/* Read a text by a spelling in the signs of strptime. */
static int cr_spelled(const char *text, int n, const char *spelling, cr_moment *m)
{
    static const char *const ordinals[] = {"st", "nd", "rd", "th", "er", "."}, *const links[] = {"de", "of"};
    int at = 0, fits = 1, named = 0, blanks = 0, dated = 0, packed = 0;
    const cr_moment begin = {1970, 1, 1, 0, 0, 0, 0};
    *m = begin;
    for (const char *s = spelling; *s != '\0'; s++) {
        named = named || (s[0] == '%' && s[1] == 'b');
        dated = dated || (s[0] == '%' && (s[1] == 'Y' || s[1] == 'y'));
        packed = packed || (s[0] == '%' && s[1] == 'Y' && s[2] == '%');
        blanks = blanks || s[0] == ' ';
    }
    named = named && blanks;
    if (dated) {
        cr_day_name(text, n, &at);
    }
    for (const char *s = spelling; fits && *s != '\0'; s++) {
        if (s[0] == ' ' && s[1] == '%' && s[2] == 'p') {
            int later = 0;
            cr_one_blank(text, n, &at);
            later = at < n && cr_lower(text[at]) == 'p';
            fits = at < n && (later || cr_lower(text[at]) == 'a') && m->hour >= 1 && m->hour <= 12;
            at++;
            at += at < n && text[at] == '.';
            cr_one_blank(text, n, &at);
            fits = fits && at < n && cr_lower(text[at]) == 'm';
            at++;
            at += at < n && text[at] == '.';
            m->hour = m->hour % 12 + (later ? 12 : 0);
            s += 2;
        } else if (*s == ' ') {
            fits = cr_blank(text, n, &at);
            if (named) {
                int after = at;
                cr_word(text, n, &after, links, 2);
                if (after > at && cr_one_blank(text, n, &after)) {
                    while (cr_one_blank(text, n, &after)) {
                    }
                    at = after;
                }
            }
        } else if (*s == ',') {
            at += at < n && text[at] == ',';
        } else if (*s != '%') {
            fits = at < n && text[at++] == *s;
            if (*s == '.') {
                cr_one_blank(text, n, &at);
            }
        } else {
            switch (*++s) {
            case 'Y':
                fits = cr_digits(text, n, &at, 4, 4, &m->year);
                break;
            case 'y':
                fits = cr_digits(text, n, &at, 2, 2, &m->year);
                m->year += m->year < 70 ? 2000 : 1900;
                break;
            case 'm':
                fits = cr_digits(text, n, &at, 1 + packed, 2, &m->month);
                break;
            case 'b':
                fits = cr_month_name(text, n, &at, &m->month);
                break;
            case 'd':
                fits = cr_digits(text, n, &at, 1 + packed, 2, &m->day);
                if (named) {
                    cr_word(text, n, &at, ordinals, 6);
                }
                break;
            case 'H':
            case 'I':
                fits = cr_digits(text, n, &at, 1 + packed, 2, &m->hour);
                break;
            case 'M':
                fits = cr_sixty(text, n, &at, &m->minute);
                break;
            case 'S':
                fits = cr_sixty(text, n, &at, &m->second);
                break;
            case 'z':
                fits = cr_offset(text, n, &at);
                break;
            default: /* .f: a fraction of a second, if there is one */
                s++;
                if (at < n && (text[at] == '.' || text[at] == ',')) {
                    int unit = 100000, from = ++at;
                    for (; at < n && at - from < 9 && cr_is_digit(text[at]); at++) {
                        m->micro += unit * (text[at] - '0');
                        unit /= 10;
                    }
                    fits = at > from;
                }
            }
        }
    }
    return fits && at == n && m->hour < 24;
}

/* The days since 1970-01-01 of a date of the proleptic Gregorian calendar; 0 and *known = 0 where there is no such date. */
static long cr_days(const cr_moment *m, int *known)
{
    static const int lengths[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    const int leap = m->year % 4 == 0 && (m->year % 100 != 0 || m->year % 400 == 0);
    *known = m->year >= 1 && m->month >= 1 && m->month <= 12 && m->day >= 1;
    *known = *known && m->day <= lengths[m->month - 1] + (leap && m->month == 2);
    if (!*known) {
        return 0;
    }
    {
        const long y = m->month > 2 ? m->year : m->year - 1;
        return 365 * y + y / 4 - y / 100 + y / 400 + (153 * ((m->month + 9) % 12) + 2) / 5 + m->day - 1 - 719468;
    }
}

/* The parts of a date or a time: year, month, day, weekday, hour, days; 0 where it is not spelled so. */
static int cr_date(const char *text, const char *const *spellings, int n_spellings, double parts[6])
{
    int n = 0;
    for (int k = 0; k < 6; k++) {
        parts[k] = (double)NAN;
    }
    if (text == 0) {
        return 1;
    }
    text = cr_trimmed(text, &n);
    if (cr_is_missing(text, n)) {
        return 1;
    }
    for (int k = 0; k < n_spellings; k++) {
        cr_moment m;
        int known = 0;
        if (cr_spelled(text, n, spellings[k], &m)) {
            const long days = cr_days(&m, &known);
            if (known) {
                const double clock = ((m.hour * 60 + m.minute) * 60 + m.second) * 1e6 + m.micro;
                parts[0] = m.year;
                parts[1] = m.month;
                parts[2] = m.day;
                parts[3] = (double)(((days + 3) % 7 + 7) % 7 + 1);
                parts[4] = clock * 1000 / 3.6e12;
                parts[5] = ((double)days * 86400000000.0 + clock) / 8.64e10;
                return 1;
            }
        }
    }
    return 0;
}
