/*
 * A session through the C interface, with a disk and a server in memory: a request before the login, the login, a
 * request, a 401 and one renewal, a renewal by the timer, a restart, a logout.
 */

#include "check.h"
#include "tokenlatch.h"

#include <string.h>

struct host {
  tl_latch latch;
  uint64_t now_ms;
  uint8_t disk[TL_RECORD_CAPACITY];
  size_t disk_len;
  int issued;      /* the number of the tokens that the server accepts; 0: none */
  int token_calls; /* token requests that the server saw */
  int revoked;
  int sent;      /* requests that left */
  int delivered; /* requests that were answered 200 */
  int refused;   /* requests that were refused */
  uint32_t cause;
};

static uint64_t wall(const struct host *host) { return UINT64_C(1700000000000) + host->now_ms; }

static void carry_out(struct host *host);

static int tell_grant(struct host *host, uint32_t ticket) {
  char body[256];
  tl_response response = {0};
  host->issued++;
  host->token_calls++;
  /* An escape in the body: it is undone in place. */
  snprintf(body, sizeof body,
           "{\"access_token\":\"access\\u002d%d\",\"refresh_token\":\"refresh-%d\",\"token_type\":\"bearer\","
           "\"expires_in\":3600,\"scope\":\"read write\"}",
           host->issued, host->issued);
  response.status = 200;
  return tl_token_response(&host->latch, host->now_ms, wall(host), ticket, &response, (uint8_t *)body, strlen(body));
}

static void send_request(struct host *host, uint32_t waiter) {
  char line[TL_HEADER_CAPACITY];
  char expected[64];
  size_t len = 0;
  uint64_t receipt = 0;
  int32_t told = tl_permit_header(&host->latch, host->now_ms, wall(host), waiter, line, sizeof line, &len, &receipt);
  if (told == TL_ERR_NOT_READY) {
    return;
  }
  CHECK(told == TL_OUTCOME_DONE);
  CHECK(len == strlen(line));
  host->sent++;
  snprintf(expected, sizeof expected, "Authorization: Bearer access-%d", host->issued);
  if (strcmp(line, expected) == 0) {
    host->delivered++;
    told = tl_answered(&host->latch, host->now_ms, wall(host), receipt, 200, NULL, 0);
    CHECK(told == TL_OUTCOME_DELIVER);
  } else {
    const char challenge[] = "Bearer error=\"invalid_token\"";
    told = tl_answered(&host->latch, host->now_ms, wall(host), receipt, 401, challenge, sizeof challenge - 1);
    CHECK(told == TL_OUTCOME_RETRY);
    CHECK(tl_access_retried(&host->latch, host->now_ms, wall(host), waiter, receipt) == TL_OUTCOME_ADMITTED);
  }
  tl_wipe(line, sizeof line);
}

static void carry_out(struct host *host) {
  tl_effect effect;
  tl_latch *latch = &host->latch;
  char token[TL_TOKEN_CAPACITY];
  char expected[32];
  size_t len = 0;
  while (tl_poll_effect(latch, &effect) > 0) {
    switch (effect.kind) {
    case TL_EFFECT_LOAD:
      CHECK(tl_loaded(latch, host->now_ms, wall(host), effect.ticket, host->disk, host->disk_len) >= 0);
      break;
    case TL_EFFECT_STORE:
      CHECK(tl_record(latch, effect.ticket, NULL, 0, &len) == TL_ERR_SPACE);
      CHECK(len <= sizeof host->disk);
      CHECK(tl_record(latch, effect.ticket, host->disk, sizeof host->disk, &host->disk_len) == TL_OUTCOME_DONE);
      CHECK(tl_stored(latch, host->now_ms, wall(host), effect.ticket) == TL_OUTCOME_DONE);
      break;
    case TL_EFFECT_SEND_TOKEN_REQUEST:
      CHECK(effect.grant_type == TL_GRANT_TYPE_REFRESH_TOKEN);
      CHECK(tl_refresh_token(latch, effect.ticket, token, sizeof token, &len) == TL_OUTCOME_DONE);
      snprintf(expected, sizeof expected, "refresh-%d", host->issued);
      CHECK(len == strlen(expected) && memcmp(token, expected, len) == 0);
      CHECK(tell_grant(host, effect.ticket) == TL_OUTCOME_DONE);
      break;
    case TL_EFFECT_RELEASE:
      send_request(host, effect.waiter);
      break;
    case TL_EFFECT_REFUSE:
      host->refused++;
      host->cause = effect.cause;
      break;
    case TL_EFFECT_REVOKE:
      CHECK(tl_revocation(latch, effect.ticket, token, sizeof token, &len) == TL_OUTCOME_DONE);
      CHECK(len > 0);
      host->revoked++;
      CHECK(tl_revoked(latch, host->now_ms, wall(host), effect.ticket) == TL_OUTCOME_DONE);
      break;
    case TL_EFFECT_REQUIRE_LOGIN:
      host->cause = effect.cause;
      break;
    default:
      CHECK(effect.kind == TL_EFFECT_STATE_CHANGED || effect.kind == TL_EFFECT_ANNOUNCE);
    }
  }
  CHECK(effect.kind == TL_EFFECT_NONE);
}

static void start(struct host *host) {
  tl_config config;
  const char *field = NULL;
  tl_config_init(&config);
  CHECK(tl_config_check(&config, &field) == TL_OUTCOME_DONE && field == NULL);
  CHECK(tl_latch_init(&host->latch, &config, 0x5eed) == TL_OUTCOME_DONE);
  CHECK(tl_opened(&host->latch, host->now_ms, wall(host)) == TL_OUTCOME_DONE);
  carry_out(host);
}

static void request(struct host *host, uint32_t waiter) {
  CHECK(tl_access_requested(&host->latch, host->now_ms, wall(host), waiter) == TL_OUTCOME_ADMITTED);
  carry_out(host);
}

static void sleep_until_timeout(struct host *host) {
  host->now_ms = tl_poll_timeout(&host->latch);
  CHECK(host->now_ms != TL_NEVER);
  CHECK(tl_timeout_reached(&host->latch, host->now_ms, wall(host)) == TL_OUTCOME_DONE);
  carry_out(host);
}

int main(void) {
  static struct host host;
  uint32_t ticket = 0;
  uint32_t sign_in = 0;
  uint32_t serial = 0;
  tl_store_content content;
  tl_step steps[TL_TRACE_CAPACITY];
  char line[TL_STEP_CAPACITY];
  size_t len = 0;
  int32_t count;

  CHECK(tl_version() == TL_VERSION);
  CHECK(tl_latch_words() == TL_LATCH_WORDS);
  CHECK(tl_latch_size() <= sizeof(tl_latch) && tl_latch_size() * 11 / 10 <= sizeof(tl_latch) + 8);
  CHECK(tl_token_capacity() == TL_TOKEN_CAPACITY);
  CHECK(tl_waiter_capacity() == TL_WAITER_CAPACITY);
  CHECK(tl_record_capacity() == TL_RECORD_CAPACITY);

  /* 1: a request comes before anybody has signed in. It waits. */
  start(&host);
  CHECK(tl_state(&host.latch) == TL_STATE_UNAUTHENTICATED);
  request(&host, 1);
  CHECK(host.sent == 0 && tl_waiting(&host.latch) == 1 && host.cause == TL_CAUSE_NOT_SIGNED_IN);

  /* 2: the login. What waited leaves, with the token, after it is stored. */
  CHECK(tl_login_started(&host.latch, host.now_ms, wall(&host), &ticket) == TL_OUTCOME_LOGIN);
  CHECK(ticket > 0 && tl_state(&host.latch) == TL_STATE_PENDING);
  CHECK(tell_grant(&host, ticket) == TL_OUTCOME_DONE);
  carry_out(&host);
  CHECK(host.sent == 1 && host.delivered == 1 && host.disk_len > 0);
  CHECK(tl_state(&host.latch) == TL_STATE_READY && tl_is_volatile(&host.latch) == 0);

  /* 3: a request. */
  request(&host, 2);
  CHECK(host.delivered == 2);

  /* 4: the server forgets the access token: 401, one renewal, the same request again. */
  host.issued++;
  host.token_calls = 0;
  CHECK(tl_access_requested(&host.latch, host.now_ms, wall(&host), 3) == TL_OUTCOME_ADMITTED);
  host.issued--;
  {
    tl_effect effect;
    char token[TL_TOKEN_CAPACITY];
    uint64_t receipt = 0;
    const char challenge[] = "Bearer error=\"invalid_token\"";
    CHECK(tl_poll_effect(&host.latch, &effect) == 1 && effect.kind == TL_EFFECT_RELEASE && effect.waiter == 3);
    CHECK(tl_permit(&host.latch, host.now_ms, wall(&host), 3, token, sizeof token, &len, &receipt) == TL_OUTCOME_DONE);
    CHECK(len == strlen("access-1") && memcmp(token, "access-1", len) == 0);
    CHECK(tl_answered(&host.latch, host.now_ms, wall(&host), receipt, 401, challenge, sizeof challenge - 1) ==
          TL_OUTCOME_RETRY);
    CHECK(tl_access_retried(&host.latch, host.now_ms, wall(&host), 3, receipt) == TL_OUTCOME_ADMITTED);
  }
  carry_out(&host);
  CHECK(host.token_calls == 1 && host.issued == 2 && host.delivered == 3);
  CHECK(tl_generation(&host.latch, &sign_in, &serial) == TL_OUTCOME_DONE && sign_in == 1 && serial == 1);

  /* 5: before its end the token is renewed by the timer. */
  while (host.issued < 3) {
    sleep_until_timeout(&host);
  }
  CHECK(tl_state(&host.latch) == TL_STATE_READY);
  CHECK(tl_expires_at(&host.latch) > host.now_ms);

  /* 6: a restart: the record is read, and nothing is renewed. */
  tl_latch_wipe(&host.latch);
  CHECK(tl_state(&host.latch) == TL_ERR_UNINIT);
  start(&host);
  CHECK(tl_inspect(host.disk, host.disk_len, &content) == TL_STORE_SESSION && content.serial == 2);
  CHECK(tl_state(&host.latch) == TL_STATE_READY && host.issued == 3);
  request(&host, 4);
  CHECK(host.delivered == 4);

  /* 7: the logout: nothing leaves any more, the token is revoked, a tombstone stays. */
  CHECK(tl_logout_requested(&host.latch, host.now_ms, wall(&host)) == TL_OUTCOME_DONE);
  CHECK(tl_state(&host.latch) == TL_STATE_UNAUTHENTICATED);
  carry_out(&host);
  CHECK(host.revoked == 1);
  CHECK(tl_inspect(host.disk, host.disk_len, &content) == TL_STORE_TOMBSTONE);
  CHECK(tl_subject(&host.latch, NULL, 0, &len) == TL_OUTCOME_DONE && len == 0);

  count = tl_trace(&host.latch, steps, TL_TRACE_CAPACITY);
  CHECK(count > 0 && steps[0].event == TL_EVENT_OPENED);
  for (int32_t at = 0; at < count; at++) {
    CHECK(tl_step_text(&steps[at], line, sizeof line, &len) == TL_OUTCOME_DONE && len == strlen(line));
    puts(line);
  }
  printf("%d sent, %d answered 200, %d refused\n", host.sent, host.delivered, host.refused);
  tl_latch_wipe(&host.latch);
  return 0;
}
