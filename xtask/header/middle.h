
/*
 * How many bytes an access token may have, and refresh token, scope, subject and the app's bytes together; and how many
 * requests may wait. These must be the numbers that the library was built with (`tl_token_capacity`,
 * `tl_waiter_capacity`): a smaller latch than the library's is refused by `tl_latch_init` with TL_ERR_ABI.
 */
#ifndef TL_TOKEN_CAPACITY
#define TL_TOKEN_CAPACITY @TOKENS@
#endif
#ifndef TL_WAITER_CAPACITY
#define TL_WAITER_CAPACITY @WAITERS@
#endif

/*
 * Where the library was built to record (TOKENLATCH_RECORDING=1), TL_RECORDING is defined, and there are the functions
 * `tl_recording_*`.
 */
/* #undef TL_RECORDING */

/* The size of a latch, in words of 64 bits, with some to spare. */
#define TL_LATCH_WORDS (((TL_TOKEN_CAPACITY * 3u + TL_WAITER_CAPACITY * 16u + 752u) * 11u + 79u) / 80u)

/* What a buffer for `tl_record` needs at most. */
#define TL_RECORD_CAPACITY (TL_TOKEN_CAPACITY * 2u + @OVERHEAD@u)
/* What a buffer for `tl_permit_header` needs at most, with the NUL. */
#define TL_HEADER_CAPACITY (TL_TOKEN_CAPACITY + 24u)
/* How many steps `tl_trace` gives at most. */
#define TL_TRACE_CAPACITY @STEPS@u
/* What a buffer for `tl_step_text` needs at most, with the NUL. */
#define TL_STEP_CAPACITY 256u

/* A latch: memory for it, to be used by pointer only. Never copy or move it, and never look inside. */
typedef struct tl_latch {
  uint64_t opaque_[TL_LATCH_WORDS];
} tl_latch;

/* The version of this header; `tl_version()` is that of the library. */
#define TL_VERSION_MAJOR @MAJOR@u
#define TL_VERSION_MINOR @MINOR@u
#define TL_VERSION_PATCH @PATCH@u
#define TL_VERSION ((TL_VERSION_MAJOR << 16) | (TL_VERSION_MINOR << 8) | TL_VERSION_PATCH)

/* `wall_ms` where there is no wall clock. */
#define TL_NO_WALL UINT64_C(0)
/* No such time: nothing to wait for, or not known. */
#define TL_NEVER UINT64_MAX
/* `retry_after_s` where there was no such header. */
#define TL_NO_RETRY_AFTER UINT32_C(0)

/* The cause in an outcome (TL_OUTCOME_SURFACE) or an error (TL_ERR_REFUSED); TL_CAUSE_NONE if there is none in it. */
#define TL_OUTCOME_CAUSE(O) ((O) > TL_OUTCOME_SURFACE ? (uint32_t)((O) - TL_OUTCOME_SURFACE) : TL_CAUSE_NONE)
#define TL_ERR_CAUSE(E) ((E) < TL_ERR_REFUSED ? (uint32_t)(TL_ERR_REFUSED - (E)) : TL_CAUSE_NONE)

/* These pass the sizes of the structures and the version of this header. */
#define tl_config_init(CONFIG) tl_config_init_sized((CONFIG), sizeof(tl_config))
#define tl_config_check(CONFIG, FIELD) tl_config_check_sized((CONFIG), sizeof(tl_config), (FIELD))
#define tl_latch_init(LATCH, CONFIG, SEED) \
  tl_latch_init_sized((LATCH), sizeof(tl_latch), (CONFIG), sizeof(tl_config), (SEED), TL_VERSION)
#define tl_response_shape_init(SHAPE) tl_response_shape_init_sized((SHAPE), sizeof(tl_response_shape))
#define tl_granted(LATCH, NOW, WALL, TICKET, GRANT) \
  tl_granted_sized((LATCH), (NOW), (WALL), (TICKET), (GRANT), sizeof(tl_grant))
#define tl_token_response(LATCH, NOW, WALL, TICKET, RESPONSE, BODY, LEN) \
  tl_token_response_sized((LATCH), (NOW), (WALL), (TICKET), (RESPONSE), sizeof(tl_response), (BODY), (LEN))
#define tl_token_response_read(RESPONSE, BODY, LEN, GRANT, FAILURE) \
  tl_token_response_read_sized((RESPONSE), sizeof(tl_response), (BODY), (LEN), (GRANT), sizeof(tl_grant), (FAILURE))
