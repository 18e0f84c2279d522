/*
 * A latch that is recorded: the story of tests/recording/story.rs, told through C, into the file that is named. It must
 * be the same, byte for byte, as what the library itself records.
 */

#include "check.h"
#include "tokenlatch.h"

#include <string.h>

/* When the wall clock says so, the monotonic one says 0. */
#define EPOCH UINT64_C(1700000000000)

struct host {
  tl_latch latch;
  uint64_t now_ms;
  tl_effect last;
};

static uint64_t wall(const struct host *host) { return EPOCH + host->now_ms; }

static void pass_time(struct host *host) { host->now_ms += 250; }

/* Takes the orders and keeps the last one. */
static int32_t drain(struct host *host, int32_t told) {
  tl_effect effect;
  memset(&host->last, 0, sizeof host->last);
  while (tl_poll_effect(&host->latch, &effect) == 1) {
    host->last = effect;
  }
  return told;
}

/* A fact without anything else. */
static int32_t tell(struct host *host, int32_t (*fact)(tl_latch *, uint64_t, uint64_t)) {
  pass_time(host);
  return drain(host, fact(&host->latch, host->now_ms, wall(host)));
}

static int32_t loaded(struct host *host, uint32_t ticket, const void *record, size_t len) {
  pass_time(host);
  return drain(host, tl_loaded(&host->latch, host->now_ms, wall(host), ticket, record, len));
}

static int32_t granted(struct host *host, uint32_t ticket, const char *access_token) {
  static const uint8_t app_data[] = {0, 159, 146, 150};
  tl_grant grant;
  memset(&grant, 0, sizeof grant);
  grant.access_token = access_token;
  grant.access_token_len = strlen(access_token);
  grant.refresh_token = "a-refresh-token";
  grant.refresh_token_len = strlen(grant.refresh_token);
  grant.scope = "openid profile";
  grant.scope_len = strlen(grant.scope);
  grant.subject = "anna@example.com";
  grant.subject_len = strlen(grant.subject);
  grant.app_data = app_data;
  grant.app_data_len = sizeof app_data;
  grant.expiry = TL_EXPIRY_IN;
  grant.expiry_ms = 3600000;
  pass_time(host);
  return drain(host, tl_granted(&host->latch, host->now_ms, wall(host), ticket, &grant));
}

static void story(struct host *host) {
  static const char header[] = "Bearer error=\"insufficient_scope\"";
  uint8_t record[TL_RECORD_CAPACITY];
  char token[TL_TOKEN_CAPACITY];
  size_t record_len, len;
  uint64_t receipt;
  uint32_t ticket;
  int32_t told;

  host->now_ms = 1000;
  CHECK(tell(host, tl_resumed) == TL_ERR_NOT_OPENED);
  pass_time(host);
  told = tl_access_requested(&host->latch, host->now_ms, wall(host), 7);
  CHECK(drain(host, told) == TL_OUTCOME_ADMITTED);
  CHECK(tell(host, tl_opened) == TL_OUTCOME_DONE && host->last.kind == TL_EFFECT_LOAD);
  CHECK(loaded(host, host->last.ticket, "garbage", 7) == TL_OUTCOME_DONE);
  pass_time(host);
  told = tl_login_started(&host->latch, host->now_ms, wall(host), &ticket);
  CHECK(drain(host, told) == TL_OUTCOME_LOGIN);
  CHECK(granted(host, ticket, "\"an-access-token\"") == TL_ERR_GRANT_QUOTED);
  CHECK(granted(host, ticket, "an-access-token") == TL_OUTCOME_DONE);
  /* The load and the store of the new sign-in. */
  CHECK(loaded(host, ticket + 1, NULL, 0) == TL_OUTCOME_DONE && host->last.kind == TL_EFFECT_STORE);
  ticket = host->last.ticket;
  CHECK(tl_record(&host->latch, ticket, record, sizeof record, &record_len) == TL_OUTCOME_DONE);
  pass_time(host);
  CHECK(drain(host, tl_stored(&host->latch, host->now_ms, wall(host), ticket)) == TL_OUTCOME_DONE);
  CHECK(tl_permit(&host->latch, 9000, EPOCH + 9000, 7, token, sizeof token, &len, &receipt) == TL_OUTCOME_DONE);
  CHECK(tl_permit(&host->latch, 9000, EPOCH + 9000, 7, token, sizeof token, &len, &receipt) == TL_ERR_UNKNOWN);
  pass_time(host);
  told = tl_answered(&host->latch, host->now_ms, wall(host), receipt, 403, header, strlen(header));
  CHECK(TL_OUTCOME_CAUSE(drain(host, told)) == TL_CAUSE_INSUFFICIENT_SCOPE);
  CHECK(tell(host, tl_refresh_requested) == TL_OUTCOME_DONE);
  CHECK(tell(host, tl_store_changed) == TL_OUTCOME_DONE);
  while (host->last.kind == TL_EFFECT_LOAD) {
    CHECK(loaded(host, host->last.ticket, record, record_len) == TL_OUTCOME_DONE);
  }
  /* The renewal is marked. */
  CHECK(host->last.kind == TL_EFFECT_STORE);
  CHECK(tell(host, tl_logout_requested) == TL_OUTCOME_DONE);
  tl_wipe(token, sizeof token);
  tl_wipe(record, sizeof record);
}

int main(int argc, char **argv) {
  static const uint8_t key[] = "0123456789abcdef";
  static struct host host;
  static uint8_t buffer[4096];
  tl_config config;
  size_t len;
  FILE *file;

  CHECK(argc == 2);
  tl_config_init(&config);
  CHECK(tl_latch_init(&host.latch, &config, 5) == TL_OUTCOME_DONE);
  CHECK(tl_recording_len(&host.latch, &len) == TL_ERR_RECORDING_NONE);
  CHECK(tl_recording_start(&host.latch, key, buffer, sizeof buffer) == TL_OUTCOME_DONE);
  story(&host);
  CHECK(tl_recording_len(&host.latch, &len) == 0 && len > 256);
  CHECK(tl_recording_stop(&host.latch) == TL_OUTCOME_DONE);
  tl_latch_wipe(&host.latch);
  file = fopen(argv[1], "wb");
  CHECK(file != NULL);
  CHECK(fwrite(buffer, 1, len, file) == len);
  CHECK(fclose(file) == 0);
  printf("%u bytes recorded\n", (unsigned)len);
  return 0;
}
