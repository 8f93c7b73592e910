
/* The value of a text that is a number as a program writes it; NAN where it is none. */
static double cr_plain_number(const char *text, int n)
{
    double value = 0.0;
    int i = 0, digits = 0, exponent = 0, power = 0, sign = 1;
    if (i < n && (text[i] == '+' || text[i] == '-')) {
        sign = text[i++] == '-' ? -1 : 1;
    }
    for (int point = 0; i < n && (cr_is_digit(text[i]) || (text[i] == '.' && !point)); i++) {
        if (text[i] == '.') {
            point = 1;
        } else {
            value = 10.0 * value + (text[i] - '0');
            exponent -= point;
            digits++;
        }
    }
    if (digits > 0 && i < n && (text[i] == 'e' || text[i] == 'E')) {
        int below = 0, any = 0;
        i++;
        if (i < n && (text[i] == '+' || text[i] == '-')) {
            below = text[i++] == '-';
        }
        for (; i < n && cr_is_digit(text[i]); i++) {
            power = power < 10000 ? 10 * power + (text[i] - '0') : power;
            any = 1;
        }
        digits = any ? digits : 0;
        exponent += below ? -power : power;
    }
    if (digits == 0 || i != n) {
        return (double)NAN;
    }
    /* Dividing by a power of ten that a double holds is right to the last place; multiplying by 0.1 isn't. */
    value = exponent < 0 ? value / pow(10.0, -exponent) : value * pow(10.0, exponent);
    return sign < 0 ? -value : value;
}

/* The place of a text among the levels, that of missing cells, or that of all others. */
static double cr_place(
    const char *text, const char *const *levels, int n_levels, const cr_numeric *numbers, int n_numbers, int gap, int other)
{
    int n = 0;
    if (text == 0) {
        return gap;
    }
    text = cr_trimmed(text, &n);
    if (cr_is_missing(text, n)) {
        return gap;
    }
    for (int place = 0; place < n_levels; place++) {
        if (cr_is(text, n, levels[place])) {
            return place;
        }
    }
    if (n_numbers > 0) {
        /* A number is also compared in its plain form, so that 1.0 is 1. */
        const double value = cr_plain_number(text, n);
        for (int k = 0; k < n_numbers; k++) {
            if (value == numbers[k].number) {
                return numbers[k].place;
            }
        }
    }
    return other;
}
