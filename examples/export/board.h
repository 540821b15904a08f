/* What the programs here want of a board: somewhere to print, a clock, and an end. */
#ifndef BOARD_H
#define BOARD_H

#include <stdint.h>

void board_print(const char *text);
uint32_t board_ticks(void); /* counts up, 24 bits at least */
void board_end(void);
/* What comes from the sensor: the next n bytes, 0 at the end. Here they come from the file input.bin; not on the AVR. */
int board_read(void *to, uint32_t n);

#endif
