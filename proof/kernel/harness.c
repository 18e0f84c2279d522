/* What stands around the translated kernel: its memory, its imports and what may not happen.
 *
 * `cargo xtask prove` makes `memory.h` and `kernel.h`: the memory in pieces with one variable for each byte, and the
 * functions of the WebAssembly module as `wasm2c` translates them. */

#include <stdbool.h>
#include <stdint.h>

typedef uint8_t u8;
typedef int8_t s8;
typedef uint16_t u16;
typedef int16_t s16;
typedef uint32_t u32;
typedef int32_t s32;
typedef uint64_t u64;
typedef int64_t s64;

/* A trap of the module: a panic, an access outside of the memory (the stack lies at its begin), a division by 0. */
#define TRAP(what) (__CPROVER_assert(0, what), __CPROVER_assume(0))
#define UNREACHABLE TRAP("no panic")
#define INSIDE(at, length) __CPROVER_assert((at) <= MEMORY - (length), "inside of the memory")
#define DIV_U(a, b) ((b) != 0 ? (a) / (b) : (TRAP("no division by 0"), 0))
#define REM_U(a, b) ((b) != 0 ? (a) % (b) : (TRAP("no division by 0"), 0))

#include "memory.h"

#define i32_load(memory, at) read32(at)
#define i64_load(memory, at) read64(at)
#define i32_load8_u(memory, at) read8(at)
#define i64_load8_u(memory, at) ((u64)read8(at))
#define i32_load8_s(memory, at) ((u32)(s32)(s8)read8(at))
#define i64_load8_s(memory, at) ((u64)(s64)(s8)read8(at))
#define i32_load16_u(memory, at) read16(at)
#define i64_load16_u(memory, at) ((u64)read16(at))
#define i32_load16_s(memory, at) ((u32)(s32)(s16)read16(at))
#define i64_load16_s(memory, at) ((u64)(s64)(s16)read16(at))
#define i64_load32_u(memory, at) ((u64)read32(at))
#define i64_load32_s(memory, at) ((u64)(s64)(s32)read32(at))
#define i32_store(memory, at, value) write32(at, value)
#define i64_store(memory, at, value) write64(at, value)
#define i32_store8(memory, at, value) write8(at, value)
#define i64_store8(memory, at, value) write8(at, value)
#define i32_store16(memory, at, value) write16(at, value)
#define i64_store16(memory, at, value) write16(at, value)
#define i64_store32(memory, at, value) write32(at, value)

#define FUNC_PROLOGUE
#define FUNC_EPILOGUE

/* The import's instance has nothing in it. */
struct Z_any_instance_t;

typedef struct {
  struct Z_any_instance_t *Z_any_instance;
  u32 w2c___stack_pointer;
  u32 w2c___data_end;
  u32 w2c___heap_base;
  int w2c_memory;
} Z_kernel_instance_t;

u64 nondet_u64(void);

static bool judged;

static u64 Z_anyZ_number(struct Z_any_instance_t *any) {
  return nondet_u64();
}

static void Z_anyZ_assume(struct Z_any_instance_t *any, u32 holds) {
  __CPROVER_assume(holds);
}

static void Z_anyZ_judge(struct Z_any_instance_t *any, u32 broken) {
  judged = true;
  __CPROVER_assert(broken < PROPERTIES, "property beyond the last");
  JUDGE(broken);
}

#include "kernel.h"

/* In place of the compiler's, which is written for speed; the same bytes. */
static u32 w2c_memcpy(Z_kernel_instance_t *instance, u32 to, u32 from, u32 length) {
  INSIDE((u64)to, (u64)length);
  INSIDE((u64)from, (u64)length);
  u32 at = 0;
  if (((to | from) & 7) == 0) {
    for (; at + 8 <= length; at += 8) {
      copy8(to + at, from + at);
    }
  } else if (((to | from) & 3) == 0) {
    for (; at + 4 <= length; at += 4) {
      write32(to + at, read32(from + at));
    }
  }
  for (; at < length; at++) {
    write8(to + at, read8(from + at));
  }
  return to;
}

static u32 w2c_memset(Z_kernel_instance_t *instance, u32 to, u32 byte, u32 length) {
  INSIDE((u64)to, (u64)length);
  for (u32 at = 0; at < length; at++) {
    write8(to + at, byte & 255);
  }
  return to;
}

/* In place of the machine's generator: any number, and any state after it. */
static u64 w2c_random_next(Z_kernel_instance_t *instance, u32 random) {
  write64(random, nondet_u64());
  return nondet_u64();
}

/* Whether it is the whole one that is called. */
static bool in_whole;

/* In place of what makes a pause of it: any number but 0, which a case of its own shows of the whole one. */
static u32 w2c_random_up_to(Z_kernel_instance_t *instance, u32 random, u32 max) {
  if (in_whole) {
    return w2c_whole_up_to(instance, random, max);
  }
  write64(random, nondet_u64());
  u32 number = nondet_u64();
  __CPROVER_assume(number != 0);
  return number;
}

void prove(u32 call, u32 phase, u32 sync, u32 waiting, u32 fault) {
  Z_kernel_instance_t kernel;
  init_globals(&kernel);
  u32 top = kernel.w2c___stack_pointer;
  judged = false;
  in_whole = call == UP_TO;
  w2c_step(&kernel, call, phase, sync, waiting, fault);
  __CPROVER_assert(kernel.w2c___stack_pointer == top, "the stack is balanced");
  /* Fails wherever a call was judged: nothing was assumed away. */
  __CPROVER_assert(!judged, "control");
}
