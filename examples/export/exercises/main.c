/* A wrist that tells exercises: acceleration in, row by row; the exercise of each window of 4 seconds out. */
#include "../board.h"

#define EXERCISES_IMPLEMENTATION
#include "exercises.h"

static exercises_state state;

int main(void)
{
    static char line[] = "0\n";
    float row[EXERCISES_INPUTS];
    int n = 0;
    if (exercises_self_test(&state) != 0) {
        board_print("this chip computes other bits than Python did\n");
        board_end();
    }
    exercises_init(&state);
    while (board_read(row, sizeof row)) { /* on a device: wait for the sensor's next sample */
        exercises_push(&state, row);
        if (++n < WINDOW) continue;
        line[0] = (char)('0' + exercises_decide(&state, NULL));
        board_print(line);
        exercises_init(&state);
        n = 0;
    }
    board_end();
    return 0;
}
