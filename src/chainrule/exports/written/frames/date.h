
typedef struct {
    int year, month, day, hour, minute, second, micro;
} cr_moment;

static const cr_month cr_months[] = {
    {"jan", 1}, {"feb", 2}, {"mar", 3}, {"apr", 4}, {"may", 5}, {"jun", 6}, {"jul", 7}, {"aug", 8}, {"sep", 9},
    {"oct", 10}, {"nov", 11}, {"dec", 12}, {"january", 1}, {"february", 2}, {"march", 3}, {"april", 4}, {"june", 6},
    {"july", 7}, {"august", 8}, {"september", 9}, {"october", 10}, {"november", 11}, {"december", 12}, {"sept", 9}};

static char cr_lower(char sign)
{
    return sign >= 'A' && sign <= 'Z' ? (char)(sign - 'A' + 'a') : sign;
}

static int cr_is_letter(char sign)
{
    return cr_lower(sign) >= 'a' && cr_lower(sign) <= 'z';
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

/* Read a minute or a second: two digits below 60, or one. */
static int cr_sixty(const char *text, int n, int *at, int *value)
{
    const int two = *at + 1 < n && text[*at] >= '0' && text[*at] <= '5' && cr_is_digit(text[*at + 1]);
    return cr_digits(text, n, at, 1, two ? 2 : 1, value);
}

static int cr_blank(const char *text, int n, int *at)
{
    const int from = *at += *at < n && text[*at] == ',';
    while (*at < n && text[*at] == ' ') {
        (*at)++;
    }
    return *at > from;
}

static int cr_offset(const char *text, int n, int *at)
{
    int value = 0;
    *at += *at < n && text[*at] == ' ';
    if (*at < n && (text[*at] == 'Z' || text[*at] == 'z')) {
        (*at)++;
        return 1;
    }
    if (*at + 3 <= n && (cr_is(text + *at, 3, "UTC") || cr_is(text + *at, 3, "GMT"))) {
        *at += 3;
        return 1;
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
    int size = 0;
    while (size < 9 && *at < n && cr_is_letter(text[*at])) {
        (*at)++;
        size++;
    }
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
    return size >= 3;
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
    int at = 0, fits = 1, named = 0;
    const cr_moment begin = {1970, 1, 1, 0, 0, 0, 0};
    *m = begin;
    for (const char *s = spelling; *s != '\0'; s++) {
        named = named || (s[0] == '%' && s[1] == 'b');
    }
    if (named) {
        cr_day_name(text, n, &at);
    }
    for (const char *s = spelling; fits && *s != '\0'; s++) {
        if (s[0] == ' ' && s[1] == '%' && s[2] == 'p') {
            int later = 0;
            at += at < n && text[at] == ' ';
            later = at < n && cr_lower(text[at]) == 'p';
            fits = at < n && (later || cr_lower(text[at]) == 'a') && m->hour >= 1 && m->hour <= 12;
            at++;
            at += at < n && text[at] == '.';
            fits = fits && at < n && cr_lower(text[at]) == 'm';
            at++;
            at += at < n && text[at] == '.';
            m->hour = m->hour % 12 + (later ? 12 : 0);
            s += 2;
        } else if (*s == ' ') {
            fits = cr_blank(text, n, &at);
        } else if (*s == ',') {
            at += at < n && text[at] == ',';
        } else if (*s != '%') {
            fits = at < n && text[at++] == *s;
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
                fits = cr_digits(text, n, &at, 1, 2, &m->month);
                break;
            case 'b':
                fits = cr_month_name(text, n, &at, &m->month);
                break;
            case 'd':
                fits = cr_digits(text, n, &at, 1, 2, &m->day);
                break;
            case 'H':
            case 'I':
                fits = cr_digits(text, n, &at, 1, 2, &m->hour);
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
                if (at < n && text[at] == '.') {
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
