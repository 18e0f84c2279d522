/*
 * Misuse, for the sanitizers: buffers from the heap that are as long as is said and no longer, memory that is not a
 * latch, and bytes that are not what they are said to be. Every call must give its code and touch nothing else.
 */

#include "check.h"
#include "tokenlatch.h"

#include <string.h>

/* A copy that has exactly this length, so that a byte too many is noticed. */
static char *exact(const char *text, size_t len) {
  char *copy = (char *)malloc(len > 0 ? len : 1);
  CHECK(copy != NULL);
  memcpy(copy, text, len);
  return copy;
}

static void sign_in(tl_latch *latch) {
  tl_config config;
  tl_grant grant = {0};
  uint32_t ticket = 0;
  char *access = exact("access", 6);
  char *refresh = exact("refresh", 7);
  tl_config_init(&config);
  config.store = 0;
  config.confirmation = TL_CONFIRMATION_MEMORY;
  CHECK(tl_latch_init(latch, &config, 1) == TL_OUTCOME_DONE);
  CHECK(tl_opened(latch, 0, TL_NO_WALL) == TL_OUTCOME_DONE);
  CHECK(tl_login_started(latch, 0, TL_NO_WALL, &ticket) == TL_OUTCOME_LOGIN);
  grant.access_token = access;
  grant.access_token_len = 6;
  grant.refresh_token = refresh;
  grant.refresh_token_len = 7;
  grant.subject = access;
  grant.subject_len = 6;
  CHECK(tl_granted(latch, 0, TL_NO_WALL, ticket, &grant) == TL_OUTCOME_DONE);
  CHECK(tl_state(latch) == TL_STATE_READY);
  /* What was given is the caller's again. */
  free(access);
  free(refresh);
}

/* Each length from nothing to one more than is needed. */
static void copy_out(tl_latch *latch) {
  for (size_t capacity = 0; capacity <= 7; capacity++) {
    char *buffer = exact("#######", capacity);
    size_t len = 99;
    int32_t told = tl_subject(latch, buffer, capacity, &len);
    CHECK(len == 6);
    if (capacity < 6) {
      CHECK(told == TL_ERR_SPACE);
      CHECK(capacity == 0 || buffer[0] == '#');
    } else {
      CHECK(told == TL_OUTCOME_DONE && memcmp(buffer, "access", 6) == 0);
    }
    free(buffer);
  }
}

static void permits(tl_latch *latch) {
  static const char line[] = "Authorization: Bearer access";
  size_t len = 0;
  uint64_t receipt = 0;
  for (size_t capacity = 0; capacity <= sizeof line; capacity++) {
    char *buffer = exact(line, capacity < sizeof line ? capacity : sizeof line);
    tl_effect effect;
    int32_t told;
    CHECK(tl_access_requested(latch, 0, TL_NO_WALL, 1) == TL_OUTCOME_ADMITTED);
    CHECK(tl_poll_effect(latch, &effect) == 1);
    while (effect.kind != TL_EFFECT_RELEASE) {
      CHECK(tl_poll_effect(latch, &effect) == 1);
    }
    told = tl_permit_header(latch, 0, TL_NO_WALL, 1, buffer, capacity, &len, &receipt);
    if (capacity < sizeof line) {
      CHECK(told == TL_ERR_SPACE && len == sizeof line && receipt == 0 && tl_waiting(latch) == 1);
      CHECK(tl_waiter_cancelled(latch, 0, TL_NO_WALL, 1) == TL_OUTCOME_DONE);
    } else {
      CHECK(told == TL_OUTCOME_DONE && strcmp(buffer, line) == 0 && receipt != 0);
    }
    free(buffer);
  }
}

/* Bytes of every length that are no record, no challenge and no answer. */
static void garbage(tl_latch *latch) {
  static const char text[] = "TL\001\222{\"access_token\":\"\\u12\", Bearer error=\"\\\", realm=\"";
  for (size_t len = 0; len < sizeof text; len++) {
    char *copy = exact(text, len);
    char out[16];
    size_t out_len = 0;
    tl_challenge challenge;
    tl_store_content content;
    tl_response response = {0};
    uint32_t seconds = 0;
    uint64_t date = 0;
    CHECK(tl_challenge_parse(copy, len, &challenge) == TL_OUTCOME_DONE);
    (void)tl_challenge_param(copy, len, TL_CHALLENGE_PARAM_REALM, out, sizeof out, &out_len);
    CHECK(tl_inspect((const uint8_t *)copy, len, &content) == (len == 0 ? TL_STORE_ABSENT : TL_STORE_CORRUPT));
    CHECK(tl_retry_after(copy, len, 0, 0, &seconds) == 0);
    CHECK(tl_http_date(copy, len, &date) == 0);
    CHECK(tl_loaded(latch, 0, TL_NO_WALL, 12345, (const uint8_t *)copy, len) == TL_OUTCOME_STALE);
    response.status = 200;
    CHECK(tl_token_response(latch, 0, TL_NO_WALL, 12345, &response, (uint8_t *)copy, len) == TL_OUTCOME_STALE);
    free(copy);
  }
}

static void no_latch(void) {
  tl_latch *memory = (tl_latch *)malloc(sizeof(tl_latch));
  tl_latch *copy = (tl_latch *)malloc(sizeof(tl_latch));
  CHECK(memory != NULL && copy != NULL);
  memset(memory, 0xA5, sizeof *memory);
  CHECK(tl_state(memory) == TL_ERR_UNINIT);
  CHECK(tl_opened(memory, 0, TL_NO_WALL) == TL_ERR_UNINIT);
  CHECK(tl_poll_timeout(memory) == TL_NEVER);
  tl_latch_wipe(memory);
  CHECK(((unsigned char *)memory)[0] == 0xA5);

  sign_in(memory);
  memcpy(copy, memory, sizeof *copy);
  CHECK(tl_state(copy) == TL_ERR_UNINIT);
  tl_latch_wipe(memory);
  for (size_t at = 0; at < tl_latch_size(); at++) {
    CHECK(((unsigned char *)memory)[at] == 0);
  }
  CHECK(tl_logout_requested(memory, 0, TL_NO_WALL) == TL_ERR_UNINIT);
  tl_latch_wipe(memory);
  tl_latch_wipe(NULL);
  free(memory);
  free(copy);
}

/* A latch needs no more memory than is said. */
static void exact_memory(void) {
  tl_config config;
  tl_latch *latch = (tl_latch *)malloc(tl_latch_size());
  CHECK(latch != NULL);
  tl_config_init(&config);
  CHECK(tl_latch_init_sized(latch, tl_latch_size(), &config, sizeof config, 1, TL_VERSION) == TL_OUTCOME_DONE);
  CHECK(tl_opened(latch, 0, TL_NO_WALL) == TL_OUTCOME_DONE);
  tl_latch_wipe(latch);
  CHECK(tl_latch_init_sized(latch, tl_latch_size() - 1, &config, sizeof config, 1, TL_VERSION) == TL_ERR_ABI);
  CHECK(tl_latch_init_sized(latch, tl_latch_size(), &config, sizeof config, 1, TL_VERSION + 1) == TL_ERR_ABI);
  free(latch);
}

static void steps(tl_latch *latch) {
  tl_step all[TL_TRACE_CAPACITY];
  int32_t count = tl_trace(latch, all, TL_TRACE_CAPACITY);
  CHECK(count > 1 && (size_t)count <= TL_TRACE_CAPACITY);
  for (int32_t room = 0; room <= count; room++) {
    tl_step *some = (tl_step *)malloc(sizeof(tl_step) * (size_t)(room > 0 ? room : 1));
    CHECK(some != NULL);
    CHECK(tl_trace(latch, some, (size_t)room) == room);
    free(some);
  }
  for (int32_t at = 0; at < count; at++) {
    size_t len = 0;
    char *line;
    CHECK(tl_step_text(&all[at], NULL, 0, &len) == TL_ERR_SPACE);
    line = (char *)malloc(len);
    CHECK(line != NULL && tl_step_text(&all[at], line, len, &len) == TL_OUTCOME_DONE && strlen(line) == len);
    free(line);
  }
}

int main(void) {
  static tl_latch latch;
  no_latch();
  exact_memory();
  sign_in(&latch);
  copy_out(&latch);
  permits(&latch);
  garbage(&latch);
  steps(&latch);
  /* Over a latch: what was there is gone. */
  sign_in(&latch);
  tl_latch_wipe(&latch);
  for (uint32_t number = 0; number < 300; number++) {
    CHECK(strlen(tl_state_name(number)) + strlen(tl_event_name(number)) + strlen(tl_effect_name(number)) > 2);
    CHECK(strlen(tl_cause_sentence_zh(number)) > 0 && strlen(tl_strerror(-(int32_t)number)) > 0);
  }
  puts("every misuse gave its code");
  return 0;
}
