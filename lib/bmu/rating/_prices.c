/* What an event comes to at rates of any kind. price.py is the plain form, and decides. */
#include "_prices.h"

#define ONE_E11 100000000000LL

int
prices_count(const Prices *prices, i64 quantity, i64 *into)
{
    *into = quantity ? prices->minimum : 0;
    if (quantity <= prices->minimum)
        return 1;
    i64 base = prices->minimum, increment = prices->increment;
    int begun = 0;
    for (; begun < prices->turns && prices->turn[begun].after < quantity; begun++) {
        base = prices->turn[begun].after;
        increment = prices->turn[begun].increment;
    }
    /* In the plain form, too, a step may lie below the minimum: counting goes from where it begins. */
    i64 over, rest;
    if (__builtin_sub_overflow(quantity, base, &over))
        return 0;
    rest = over % increment;
    if (__builtin_add_overflow(quantity, rest ? increment - rest : 0, into))
        return 0;
    if (begun < prices->turns && *into > prices->turn[begun].after)
        *into = prices->turn[begun].after;
    return 1;
}

static int
plus(Exact one, Exact other, Exact *into)
{
    i128 mine, theirs;
    into->denominator = one.denominator;
    if (one.denominator == other.denominator)
        return !__builtin_add_overflow(one.numerator, other.numerator, &into->numerator);
    return !(__builtin_mul_overflow(one.numerator, other.denominator, &mine)
             || __builtin_mul_overflow(other.numerator, one.denominator, &theirs)
             || __builtin_add_overflow(mine, theirs, &into->numerator)
             || __builtin_mul_overflow(one.denominator, other.denominator, &into->denominator));
}

/* What the first so many units cost by unit prices. */
static int
stretch(const Prices *prices, i64 quantity, Exact *into)
{
    int place = prices->pieces - 1;
    while (place && prices->piece[place].start > quantity)
        place--;
    const Piece *piece = &prices->piece[place];
    *into = (Exact){piece->sum + (i128)piece->slope * (quantity - piece->start), prices->denominator};
    return 1;
}

static int
usage(const Prices *prices, i64 quantity, Exact cost, Exact *into)
{
    Exact priced;
    switch (prices->kind) {
    case STANDARD:
        return stretch(prices, quantity, into);
    case FIXED:
        *into = (Exact){prices->price, 1};
        return 1;
    case MARKUP:
        return !(__builtin_mul_overflow(cost.numerator, (i128)prices->price, &into->numerator)
                 || __builtin_mul_overflow(cost.denominator, (i128)ONE_E11, &into->denominator));
    case FIXED_MARKUP:
        return plus(cost, (Exact){prices->price, 1}, into);
    case RATED_MARKUP:
        return stretch(prices, quantity, &priced) && plus(cost, priced, into);
    default:
        return 0;
    }
}

int
prices_event(const Prices *prices, i64 quantity, Exact cost, Exact *into)
{
    i128 least, most, connect;
    if (!usage(prices, quantity, cost, into)
        || __builtin_mul_overflow((i128)prices->least, into->denominator, &least)
        || __builtin_mul_overflow((i128)prices->connect, into->denominator, &connect))
        return 0;
    if (into->numerator < least)
        into->numerator = least;
    if (prices->most >= 0) {
        if (__builtin_mul_overflow((i128)prices->most, into->denominator, &most))
            return 0;
        if (into->numerator > most)
            into->numerator = most;
    }
    return !__builtin_add_overflow(into->numerator, connect, &into->numerator);
}

int
prices_round(const Prices *prices, Exact amount, i64 *into)
{
    i128 divisor, quotient, rest;
    if (__builtin_mul_overflow(amount.denominator, (i128)prices->step, &divisor))
        return 0;
    if (amount.numerator <= INT64_MAX && divisor <= INT64_MAX) { /* much quicker */
        quotient = (i64)amount.numerator / (i64)divisor;
        rest = (i64)amount.numerator % (i64)divisor;
    } else {
        quotient = amount.numerator / divisor;
        rest = amount.numerator % divisor;
    }
    i128 other = divisor - rest;
    switch (prices->mode) {
    case HALF_UP:
        quotient += rest >= other;
        break;
    case UP:
        quotient += rest > 0;
        break;
    case HALF_EVEN:
        quotient += rest > other || (rest == other && quotient % 2);
        break;
    default:
        break;
    }
    return quotient <= INT64_MAX && !__builtin_mul_overflow((i64)quotient, prices->step, into);
}
