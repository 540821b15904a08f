/* What the programs here want of a board: somewhere to print, a clock, and an end. */
#ifndef BOARD_H
#define BOARD_H

#include <stdint.h>

void board_print(const char *text);
uint32_t board_ticks(void); /* counts up, 24 bits at least */
void board_end(void);

#endif
