#if defined(__FAST_MATH__)
#error "-ffast-math breaks the promise of equal bits: compile this file without it"
#endif
#if defined(FLT_EVAL_METHOD) && FLT_EVAL_METHOD != 0
#error "this target keeps extra bits in float: on 32-bit x86 use -msse2 -mfpmath=sse"
#endif

/* On AVR constants stay in flash only if they are read by special instructions. */
#if defined(__AVR__)
#include <avr/pgmspace.h>
#define NAME_FLASH PROGMEM
#define NAME_READ8(at) pgm_read_byte(at)
#define NAME_READ16(at) pgm_read_word(at)
#define NAME_READ32(at) pgm_read_dword(at)
#define NAME_READF(at) pgm_read_float(at)
#else
#define NAME_FLASH
#define NAME_READ8(at) (*(at))
#define NAME_READ16(at) (*(at))
#define NAME_READ32(at) (*(at))
#define NAME_READF(at) (*(at))
#endif

/* Not every processor's way to compute needs every function. "inline" would blow up the code of small processors. */
#if defined(__GNUC__)
#define NAME_HELPER __attribute__((unused)) static
#else
#define NAME_HELPER static inline
#endif
