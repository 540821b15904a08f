/* Text out and an end for an ATmega328P under simavr: its C library does the rest. */
#include "../board.h"

#include <avr/interrupt.h>
#include <avr/io.h>
#include <avr/sleep.h>

void board_print(const char *text)
{
    UCSR0B = 1 << TXEN0;
    for (; *text; ++text) {
        while ((UCSR0A & 1 << UDRE0) == 0) {
        }
        UDR0 = (uint8_t)*text;
    }
}

static volatile uint16_t overflows;

ISR(TIMER1_OVF_vect) { ++overflows; }

uint32_t board_ticks(void)
{
    if (TCCR1B == 0) {
        TIMSK1 = 1 << TOIE1;
        TCCR1B = 1 << CS10;
        sei();
    }
    return (uint32_t)overflows << 16 | TCNT1;
}

void board_end(void)
{
    cli();
    sleep_mode(); /* asleep without interrupts: simavr ends */
}
