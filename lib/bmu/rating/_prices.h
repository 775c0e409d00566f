/* _prices.c: rates of any kind made ready, as price.Prices has them, in 128 bits. */
#ifndef BMU_RATING_PRICES_H
#define BMU_RATING_PRICES_H

#include "_batch.h"

typedef __int128 i128;

/* As layout.KINDS and layout.MODES number them. */
enum { STANDARD, FIXED, MARKUP, FIXED_MARKUP, RATED_MARKUP, PASS_THROUGH };
enum { HALF_UP, UP, DOWN, HALF_EVEN };

#define TURNS_MAX 8

/* An amount before it is rounded, 0 or more. */
typedef struct {
    i128 numerator, denominator;
} Exact;

typedef struct {
    i64 after, increment;
} Turn;

typedef struct {
    i64 start, sum, slope;
} Piece;

typedef struct {
    int kind, mode, turns, pieces;
    i64 minimum, increment, price, denominator, connect, least, most, step; /* most: -1: none */
    Turn turn[TURNS_MAX];
    Piece piece[TURNS_MAX];
} Prices;

/* Each gives 0 where 64 or 128 bits are too few. */

/* price.counted */
int prices_count(const Prices *prices, i64 quantity, i64 *into);
/* price.usage_price of the first units, then price.event_price */
int prices_event(const Prices *prices, i64 quantity, Exact cost, Exact *into);
/* price.rounded_amount */
int prices_round(const Prices *prices, Exact amount, i64 *into);

#endif
