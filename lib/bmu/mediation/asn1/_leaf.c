/* Single values as leaf.py reads them, written as fields of a line; what is odd is left to it. */
#include "_walk.h"

static const char DIGITS[] = "0123456789*#abc";
static const char *const TYPES[] = {
    "unknown", "international", "national", "network", "subscriber", "alphanumeric", "abbreviated", "reserved"};
static const char *const PRESENTATIONS[] = {"allowed", "restricted", "unavailable", "reserved"};
static const char HEXADECIMAL[] = "0123456789abcdef";

/* The line up to a value, under its name and some part of it; 0 when there is no room. */
static int
begin(Line *line, const char *part)
{
    Py_ssize_t more = part == NULL ? 0 : (Py_ssize_t)strlen(part);
    if (++line->fields > FIELDS_MAX || line->length + line->name_length + more + 8 > LINE_MAX_OCTETS)
        return 0;
    char *at = line->octets + line->length;
    *at++ = ',';
    *at++ = '"';
    memcpy(at, line->name, line->name_length);
    at += line->name_length;
    if (more) {
        *at++ = '.';
        memcpy(at, part, more);
        at += more;
    }
    memcpy(at, "\":\"", 3);
    line->length = at + 3 - line->octets;
    return 1;
}

/* The end of a value. */
static int
end(Line *line)
{
    line->octets[line->length++] = '"';
    return 1;
}

static int
room(const Line *line, Py_ssize_t octets)
{
    return line->length + octets < LINE_MAX_OCTETS;
}

static void
put(Line *line, const char *text, Py_ssize_t length)
{
    memcpy(line->octets + line->length, text, length);
    line->length += length;
}

static int
put_part(Line *line, const char *part, const char *text)
{
    if (!begin(line, part) || !room(line, 32))
        return 0;
    put(line, text, (Py_ssize_t)strlen(text));
    return end(line);
}

static int
put_plain(Line *line, Octets text)
{
    if (!begin(line, NULL) || !room(line, text.length))
        return 0;
    for (Py_ssize_t n = 0; n < text.length; n++) {
        unsigned char octet = text.at[n];
        if (octet < ' ' || octet > '~' || octet == '"' || octet == '\\')
            return 0;
        line->octets[line->length++] = (char)octet;
    }
    return end(line);
}

int
put_hex(Line *line, Octets content)
{
    if (content.length > HEX_MAX || !begin(line, NULL) || !room(line, 2 * content.length))
        return 0;
    for (Py_ssize_t n = 0; n < content.length; n++) {
        line->octets[line->length++] = HEXADECIMAL[content.at[n] >> 4];
        line->octets[line->length++] = HEXADECIMAL[content.at[n] & 15];
    }
    return end(line);
}

/* Two halves of each octet as digits, up to the filler; -1 when a filler stands before a digit. */
static Py_ssize_t
digits_of(Octets content, int high_first, char *into)
{
    Py_ssize_t length = 0, all = 2 * content.length;
    while (all) {
        unsigned char octet = content.at[(all - 1) / 2];
        int upper = ((all - 1) & 1) != high_first;
        if ((upper ? octet >> 4 : octet & 15) != 15)
            break;
        all--;
    }
    for (; length < all; length++) {
        unsigned char octet = content.at[length / 2];
        int half = ((length & 1) != high_first) ? octet >> 4 : octet & 15;
        if (half == 15)
            return -1;
        into[length] = DIGITS[half];
    }
    return length;
}

static int
put_digits(Line *line, Octets content, int high_first, int full)
{
    char digits[2 * HEX_MAX];
    Py_ssize_t length = content.length > HEX_MAX ? -1 : digits_of(content, high_first, digits);
    if (length < 0 || !begin(line, NULL) || !room(line, length + 1))
        return 0;
    if (full && length > 6) {
        int plain = 1;
        for (Py_ssize_t n = 0; n < length; n++)
            plain &= digits[n] >= '0' && digits[n] <= '9';
        if (plain)
            put(line, "+", 1);
    }
    put(line, digits, length);
    return end(line);
}

static int
put_number(Line *line, Octets content)
{
    if (content.length < 1)
        return 0;
    int kind = content.at[0], from = 1, presentation = -1;
    if (!(kind & 0x80) && content.length > 1 && (content.at[1] & 0x9C) == 0x80) {
        presentation = content.at[1] >> 5 & 3;
        from = 2;
    }
    char digits[2 * HEX_MAX];
    Octets rest = {content.at + from, content.length - from};
    Py_ssize_t length = rest.length > HEX_MAX ? -1 : digits_of(rest, 0, digits);
    if (length < 0 || !begin(line, NULL) || !room(line, length + 1))
        return 0;
    if ((kind >> 4 & 7) == 1 && length)
        put(line, "+", 1);
    put(line, digits, length);
    int national = (kind >> 4 & 7) == 2 && length;
    for (Py_ssize_t n = 0; national && n < length; n++)
        national = digits[n] >= '0' && digits[n] <= '9';
    if (national && !room(line, 16))
        return 0;
    if (national)
        put(line, ";national", 9); /* number.NATIONAL */
    end(line);
    char plan[4];
    PyOS_snprintf(plan, sizeof plan, "%d", kind & 15);
    return put_part(line, "ton", TYPES[kind >> 4 & 7]) && put_part(line, "npi", plan)
           && (presentation < 0 || put_part(line, "presentation", PRESENTATIONS[presentation]));
}

/* Days since 1970-01-01 of a day that there is; -1 of any other. */
static int
days_of(int year, int month, int day)
{
    static const int LENGTHS[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    if (month < 1 || month > 12 || day < 1)
        return -1;
    /* From 2000 to 2099 every fourth year is a leap year. */
    int leap = year % 4 == 0, days = 10957 + year * 365 + (year + 3) / 4;
    if (day > LENGTHS[month - 1] + (leap && month == 2))
        return -1;
    for (int n = 0; n < month - 1; n++)
        days += LENGTHS[n] + (leap && n == 1);
    return days + day - 1;
}

static int
put_time(Line *line, Octets content)
{
    /* Where in the text each octet's digits stand. */
    static const int PLACES[9] = {2, 5, 8, 11, 14, 17, 0, 20, 23};
    static const int LIMITS[9] = {100, 100, 100, 24, 60, 60, 0, 24, 60};
    char text[26] = "20YY-MM-DDThh:mm:ss+hh:mm";
    int parts[9] = {0};
    if (content.length != 9 || (content.at[6] != '+' && content.at[6] != '-'))
        return 0;
    for (int n = 0; n < 9; n++) {
        if (n == 6)
            continue;
        unsigned char octet = content.at[n];
        parts[n] = (octet >> 4) * 10 + (octet & 15);
        if (octet >> 4 > 9 || (octet & 15) > 9 || parts[n] >= LIMITS[n])
            return 0;
        text[PLACES[n]] = (char)('0' + (octet >> 4));
        text[PLACES[n] + 1] = (char)('0' + (octet & 15));
    }
    int days = days_of(parts[0], parts[1], parts[2]);
    if (days < 0)
        return 0;
    text[19] = (char)content.at[6];
    long long ahead = parts[7] * 3600 + parts[8] * 60;
    long long seconds = days * 86400LL + parts[3] * 3600 + parts[4] * 60 + parts[5];
    char epoch[24];
    PyOS_snprintf(epoch, sizeof epoch, "%lld", content.at[6] == '-' ? seconds + ahead : seconds - ahead);
    return put_part(line, NULL, text) && put_part(line, "epoch", epoch);
}

/* A whole number with its sign; 0 when it is none that 64 bits hold. */
static int
integer_of(Octets content, int64_t *into)
{
    if (content.length < 1 || content.length > 8)
        return 0;
    uint64_t value = content.at[0] & 0x80 ? UINT64_MAX : 0;
    for (Py_ssize_t n = 0; n < content.length; n++)
        value = value << 8 | content.at[n];
    memcpy(into, &value, 8);
    return 1;
}

static int
put_integer(Line *line, Octets content, const Kind *kind)
{
    int64_t value;
    if (!integer_of(content, &value) || !begin(line, NULL) || !room(line, 256))
        return 0;
    for (int n = 0; n < kind->words; n++)
        if (kind->said[n].value == value) {
            put(line, (const char *)kind->said[n].text.at, kind->said[n].text.length);
            return end(line);
        }
    line->length += PyOS_snprintf(line->octets + line->length, 24, "%lld", (long long)value);
    return end(line);
}

/* Groups of 16 bits, the first of the longest runs of nothing left out, as RFC 5952 has it. */
static int
put_long_address(Line *line, Octets content)
{
    int best = -1, best_length = 1, run = 0;
    unsigned groups[8];
    for (int n = 0; n < 8; n++) {
        groups[n] = (unsigned)(content.at[2 * n] << 8 | content.at[2 * n + 1]);
        run = groups[n] ? 0 : run + 1;
        if (run > best_length) {
            best_length = run;
            best = n + 1 - run;
        }
    }
    if (!begin(line, NULL) || !room(line, 48))
        return 0;
    for (int n = 0; n < 8; n++) {
        if (n == best) {
            put(line, "::", 2);
            n += best_length - 1;
            continue;
        }
        int behind_gap = best >= 0 && n == best + best_length;
        line->length += PyOS_snprintf(line->octets + line->length, 8, "%s%x", n && !behind_gap ? ":" : "", groups[n]);
    }
    return end(line);
}

static int
put_address(Line *line, Octets content)
{
    if (content.length == 16)
        return put_long_address(line, content);
    if (content.length != 4 || !begin(line, NULL) || !room(line, 16))
        return 0;
    line->length += PyOS_snprintf(line->octets + line->length, 16, "%d.%d.%d.%d", content.at[0], content.at[1],
                                  content.at[2], content.at[3]);
    return end(line);
}

static int
put_network(Line *line, Octets content)
{
    if (content.length != 3)
        return 0;
    int halves[] = {content.at[0] & 15, content.at[0] >> 4, content.at[1] & 15,
                    content.at[2] & 15, content.at[2] >> 4, content.at[1] >> 4};
    if (!begin(line, NULL) || !room(line, 6))
        return 0;
    for (int n = 0; n < 6; n++) {
        if (halves[n] == 15 && n == 5)
            break;
        if (halves[n] > 9)
            return 0;
        line->octets[line->length++] = (char)('0' + halves[n]);
    }
    return end(line);
}

static int
put_bits(Line *line, Octets content)
{
    Py_ssize_t bits = 8 * (content.length - 1);
    if (content.length < 1 || content.length > HEX_MAX || content.at[0] > 7 || !begin(line, NULL) || !room(line, bits))
        return 0;
    bits -= content.at[0];
    for (Py_ssize_t n = 0; n < bits; n++)
        line->octets[line->length++] = content.at[1 + n / 8] & (0x80 >> n % 8) ? '1' : '0';
    return end(line);
}

int
put_value(Line *line, const Kind *kind, Octets content)
{
    switch (kind->how) {
    case WORD:
    case INT:
        return put_integer(line, content, kind);
    case BOOL:
        return content.length == 1 && begin(line, NULL) && room(line, 5)
               && (content.at[0] ? (put(line, "true", 4), 1) : (put(line, "false", 5), 1)) && end(line);
    case NONE:
        return !content.length && begin(line, NULL) && room(line, 4) && (put(line, "true", 4), end(line));
    case TEXT:
        return put_plain(line, content);
    case HEX:
        return put_hex(line, content);
    case TBCD:
        return put_digits(line, content, 0, 0);
    case BCD:
        return put_digits(line, content, 1, 0);
    case FULL_NUMBER:
        return put_digits(line, content, 1, 1);
    case TIME:
        return put_time(line, content);
    case IP:
        return put_address(line, content);
    case NETWORK:
        return put_network(line, content);
    case BITS:
        return put_bits(line, content);
    case MESSAGE_ADDRESS:
        if (content.length > 1 && content.at[1] & 0x80 && (content.at[0] + 1) / 2 == content.length - 2)
            return put_number(line, (Octets){content.at + 1, content.length - 1});
        return put_number(line, content);
    case NUMBER:
        return put_number(line, content);
    default:
        return 0;
    }
}
