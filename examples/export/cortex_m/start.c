/* The least a Cortex-M needs to run main() under qemu: vectors, memory, the floating-point unit, text out, and an end. */
#include "../board.h"

#include <stdint.h>

extern int main(void);
extern uint32_t stack_top[], data_load[], data_start[], data_end[], bss_start[], bss_end[];

static int semihost(int call, const void *argument)
{
    register int r0 __asm__("r0") = call;
    register const void *r1 __asm__("r1") = argument;
    __asm__ volatile("bkpt 0xAB" : "+r"(r0) : "r"(r1) : "memory");
    return r0;
}

void board_print(const char *text) { semihost(0x04, text); }

int board_read(void *to, uint32_t n)
{
    static int file = -1;
    const struct {
        const char *name;
        int mode, length;
    } input = {"input.bin", 1, 9}; /* binary, to be read */
    struct {
        int file;
        void *to;
        uint32_t n;
    } read;
    if (file < 0) file = semihost(0x01, &input);
    read.file = file;
    read.to = to;
    read.n = n;
    return file >= 0 && semihost(0x06, &read) == 0;
}

uint32_t board_ticks(void)
{
    volatile uint32_t *const systick = (volatile uint32_t *)0xE000E010u; /* control, reload, value: counts down */
    if ((systick[0] & 1u) == 0) {
        systick[1] = 0xFFFFFFu;
        systick[2] = 0;
        systick[0] = 5u;
    }
    return 0xFFFFFFu - systick[2];
}

void board_end(void)
{
    semihost(0x18, (const void *)0x20026u); /* the program ended as it should */
    for (;;) {
    }
}

static void reset(void)
{
    uint32_t *from = data_load, *to = data_start;
    while (to < data_end) *to++ = *from++;
    for (to = bss_start; to < bss_end; ++to) *to = 0;
#if defined(__ARM_FP)
    *(volatile uint32_t *)0xE000ED88u |= 0xFu << 20;
    __asm__ volatile("dsb\n\tisb");
#endif
    (void)main();
    board_end();
}

static void fault(void)
{
    board_print("fault\n");
    board_end();
}

__attribute__((section(".vectors"), used)) const void *const vectors[16] = {
    stack_top, (const void *)reset, (const void *)fault, (const void *)fault, (const void *)fault, (const void *)fault,
    (const void *)fault,
};
