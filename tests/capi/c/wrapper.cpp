// The C++ wrapper: a login, a request, a 401 and its renewal, a logout; what can be moved, and what is wiped.

#include "check.h"
#include "tokenlatch.hpp"

#include <cstring>
#include <string>
#include <type_traits>
#include <utility>

using tokenlatch::grant;
using tokenlatch::latch;
using tokenlatch::millis;
using tokenlatch::now;
using tokenlatch::permit;
using tokenlatch::secret;

static_assert(!std::is_copy_constructible<permit>::value, "a permit is not copied");
static_assert(std::is_nothrow_move_constructible<permit>::value, "a permit is moved");
static_assert(!std::is_copy_constructible<latch>::value, "a latch is not copied");
static_assert(!std::is_move_constructible<latch>::value, "a latch stays in its place");

// Whether its bytes can be looked at.
template <class T, class = void>
struct is_readable : std::false_type {};
template <class T>
struct is_readable<T, decltype(static_cast<void>(std::declval<T>().c_str()))> : std::true_type {};
static_assert(is_readable<permit &>::value && is_readable<const secret<8> &>::value, "what is kept can be read");
static_assert(!is_readable<permit>::value && !is_readable<secret<8>>::value, "a temporary is wiped before it is read");

namespace {

struct host {
    latch held;
    now at;
    std::string disk;
    int issued = 0;
    std::uint32_t released = 0;
    bool is_busy = false; // the server wants the next token request much later

    grant given(const std::string &access, const std::string &refresh) const {
        grant made;
        made.access_token = access;
        made.refresh_token = refresh;
        made.expires_in = std::chrono::hours{1};
        made.subject = "ann";
        return made;
    }

    void tell_grant(std::uint32_t ticket) {
        issued++;
        const std::string access = "access-" + std::to_string(issued);
        const std::string refresh = "refresh-" + std::to_string(issued);
        CHECK(held.granted(at, ticket, given(access, refresh)).is(TL_OUTCOME_DONE));
    }

    void carry_out() {
        while (const auto effect = held.poll_effect()) {
            switch (effect->kind) {
            case TL_EFFECT_LOAD:
                CHECK(held.loaded(at, effect->ticket, disk));
                break;
            case TL_EFFECT_STORE: {
                secret<TL_RECORD_CAPACITY> record;
                CHECK(held.record(effect->ticket, record));
                disk = record.text();
                CHECK(held.stored(at, effect->ticket));
                break;
            }
            case TL_EFFECT_SEND_TOKEN_REQUEST: {
                secret<64> token;
                CHECK(held.refresh_token(effect->ticket, token));
                CHECK(token.text() == "refresh-" + std::to_string(issued));
                if (is_busy) {
                    const std::chrono::seconds later{std::int64_t{1} << 32};
                    CHECK(held.token_failed(at, effect->ticket, TL_FAILURE_RATE_LIMITED, later));
                    break;
                }
                tell_grant(effect->ticket);
                break;
            }
            case TL_EFFECT_REVOKE: {
                secret<4> small;
                CHECK(held.revocation(effect->ticket, small).is(TL_ERR_SPACE) && small.text().empty());
                CHECK(held.revoked(at, effect->ticket));
                break;
            }
            case TL_EFFECT_RELEASE:
                released = effect->waiter;
                break;
            default:
                break;
            }
        }
    }
};

} // namespace

int main() {
    static host world;
    latch &held = world.held;
    CHECK(held.opened(world.at).is(TL_ERR_UNINIT));
    tl_config config = tokenlatch::defaults();
    config.attempts = 0;
    CHECK(held.init(config, 1).is(TL_ERR_CONFIG_ZERO));
    config.attempts = 3;
    CHECK(latch(config, 1).error() && latch(tl_config{}, 1).error().is(TL_ERR_CONFIG_ZERO));
    CHECK(held.init(config, 1) && held.error());
#ifdef TL_RECORDING
    static std::array<std::uint8_t, 4096> tape;
    CHECK(!held.recording_size());
    CHECK(held.start_recording({1, 2, 3}, tape.data(), tape.size()));
    const std::size_t begun = *held.recording_size();
#endif
    CHECK(held.opened(world.at));
    world.carry_out();

    std::uint32_t ticket = 0;
    CHECK(held.login_started(world.at, ticket).is(TL_OUTCOME_LOGIN));
    CHECK(held.opened({millis{-1}, millis{0}}).is(TL_ERR_ARGUMENT));
    grant over = world.given("access", "refresh");
    over.expires_in = millis{-1};
    CHECK(held.granted(world.at, ticket, over).is(TL_ERR_GRANT_LIFETIME));
    world.tell_grant(ticket);
    world.carry_out();
    CHECK(held.state() == TL_STATE_READY && std::strcmp(held.state_name(), "Ready") == 0);
    CHECK(held.expires_at() == millis{3600000});

    // Later than what could be replica lag.
    world.at.monotonic += std::chrono::seconds{10};
    CHECK(held.access_requested(world.at, 7).is(TL_OUTCOME_ADMITTED));
    world.carry_out();
    CHECK(world.released == 7);
    permit claimed = held.claim(world.at, 7);
    CHECK(claimed && claimed.header() == "Authorization: Bearer access-1" && claimed.token() == "access-1");
    permit moved = std::move(claimed);
    CHECK(moved.header().size() == std::strlen(moved.c_str()));
    CHECK(!claimed && claimed.receipt() == 0);                  // no permit any more: NOLINT
    CHECK(claimed.header().empty() && claimed.c_str()[0] == 0); // wiped: NOLINT
    CHECK(!held.claim(world.at, 7) && held.claim(world.at, 7).error().is(TL_ERR_UNKNOWN));
    CHECK(held.answered(world.at, moved.receipt(), 401, "Bearer error=\"invalid_token\"").is(TL_OUTCOME_RETRY));
    CHECK(held.access_retried(world.at, 7, moved.receipt()).is(TL_OUTCOME_ADMITTED));
    world.released = 0;
    world.carry_out();
    CHECK(world.released == 7 && world.issued == 2);
    moved = held.claim(world.at, 7);
    CHECK(moved.token() == "access-2");
    CHECK(held.answered(world.at, moved.receipt(), 200).is(TL_OUTCOME_DELIVER));

    world.is_busy = true;
    CHECK(held.refresh_requested(world.at));
    world.carry_out();
    CHECK(*held.poll_timeout() - world.at.monotonic > std::chrono::minutes{10});

    secret<16> name;
    CHECK(held.subject(name) && name.text() == "ann");
    const auto timeout = held.poll_timeout();
    CHECK(timeout && *timeout > world.at.monotonic);
    CHECK(held.logout_requested(world.at));
    CHECK(held.access_requested(world.at, 8).is(TL_OUTCOME_ADMITTED));
    world.carry_out();
    CHECK(held.trouble() == TL_CAUSE_SIGNED_OUT);
    int lines = 0;
    held.trace([&](std::string_view line) { lines += line.find("ms") != std::string_view::npos; });
    CHECK(lines > 0);
    CHECK(std::strlen(held.granted(world.at, 1, grant{}).text()) > 0);
    CHECK(tokenlatch::result{TL_ERR_REFUSED - 5}.cause() == 5 && tokenlatch::result{TL_OUTCOME_SURFACE + 6}.cause() == 6);
    CHECK(tokenlatch::result{TL_ERR_SPACE}.cause() == TL_CAUSE_NONE);
    CHECK(tokenlatch::result{TL_OUTCOME_RETRY}.cause() == TL_CAUSE_NONE);
    CHECK(now::read().wall.count() > 0);
#ifdef TL_RECORDING
    CHECK(*held.recording_size() > begun);
    CHECK(held.stop_recording() && !held.recording_size());
#endif
    std::puts("the wrapper holds");
    return 0;
}
