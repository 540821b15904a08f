/* Predict a series row by row as it is observed, then look ahead: what a device does, on this machine. */
#include <stdio.h>

#define PREDICTOR_IMPLEMENTATION
#include "predictor.h"

#include "observed.h"

int main(void)
{
    static predictor_state state, scratch; /* the caller owns all memory */
    float next, ahead[10];
    size_t t;

    if (predictor_self_test(&state) != 0) {
        puts("this machine computes other bits than Python did");
        return 1;
    }
    predictor_init(&state);
    predictor_step(&state, NULL, &next); /* the first row, before any is known */
    for (t = 0; t < sizeof observed / sizeof observed[0]; ++t) predictor_step(&state, &observed[t], &next);
    printf("101 rows predicted, the last: %.9g\n", (double)next);

    predictor_forecast(&state, &scratch, 10, ahead); /* on a copy: the state stays */
    printf("and ten more:");
    for (t = 0; t < 10; ++t) printf(" %.9g", (double)ahead[t]);
    printf("\n");
    return 0;
}
