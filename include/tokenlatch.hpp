// tokenlatch for C++17: tokenlatch.h with types, in one header.
//
// It allocates nothing, throws nothing and needs no run-time type information. What a function means, which errors it has
// and which threads may call it is said in tokenlatch.h; here is only what C++ adds: a latch that ends by itself, permits
// and secrets that are wiped when they go, texts as views, and times as durations. What is not here is called with `raw()`.

#ifndef TOKENLATCH_HPP
#define TOKENLATCH_HPP

#include "tokenlatch.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <utility>

namespace tokenlatch {

using millis = std::chrono::milliseconds;
using std::string_view;

/// What the two clocks say at one moment. A wall clock at 0 is none.
struct now {
    millis monotonic{0};
    millis wall{0};

    /// The clocks of the standard library.
    static now read() noexcept {
        using std::chrono::duration_cast;
        return {duration_cast<millis>(std::chrono::steady_clock::now().time_since_epoch()),
                duration_cast<millis>(std::chrono::system_clock::now().time_since_epoch())};
    }
};

/// What became of a call: an outcome, or an error.
class [[nodiscard]] result {
public:
    constexpr explicit result(std::int32_t code) noexcept : code_(code) {}

    /// Whether it is no error.
    constexpr explicit operator bool() const noexcept { return code_ >= 0; }
    /// The number as it came: `TL_OUTCOME_*` or `TL_ERR_*`.
    constexpr std::int32_t code() const noexcept { return code_; }
    constexpr bool is(std::int32_t code) const noexcept { return code_ == code; }
    /// The cause in it, `TL_CAUSE_NONE` if there is none.
    constexpr std::uint32_t cause() const noexcept {
        return code_ < TL_ERR_REFUSED      ? static_cast<std::uint32_t>(TL_ERR_REFUSED - code_)
               : code_ > TL_OUTCOME_SURFACE ? static_cast<std::uint32_t>(code_ - TL_OUTCOME_SURFACE)
                                            : std::uint32_t{TL_CAUSE_NONE};
    }
    /// One sentence for a person.
    const char *text() const noexcept { return tl_strerror(code_); }

private:
    std::int32_t code_;
};

/// Bytes that are wiped when they go. They can be moved, not copied.
template <std::size_t Capacity>
class secret {
public:
    secret() noexcept = default;
    secret(const secret &) = delete;
    secret &operator=(const secret &) = delete;
    secret(secret &&other) noexcept { take(other); }
    secret &operator=(secret &&other) noexcept {
        if (this != &other) {
            wipe();
            take(other);
        }
        return *this;
    }
    ~secret() { wipe(); }

    // What they give lives as long as this: not of a temporary.
    string_view text() const & noexcept { return {bytes_.data(), len_}; }
    string_view text() const && = delete;
    const std::uint8_t *data() const & noexcept {
        return reinterpret_cast<const std::uint8_t *>(bytes_.data());
    }
    const std::uint8_t *data() const && = delete;
    std::size_t size() const noexcept { return len_; }
    /// Terminated by NUL if what was written is; see there.
    const char *c_str() const & noexcept { return bytes_.data(); }
    const char *c_str() const && = delete;

    void wipe() noexcept {
        tl_wipe(bytes_.data(), bytes_.size());
        len_ = 0;
    }

private:
    friend class latch;

    void take(secret &other) noexcept {
        bytes_ = other.bytes_;
        len_ = other.len_;
        other.wipe();
    }

    std::array<char, Capacity> bytes_{};
    std::size_t len_ = 0;
};

/// Lets one request leave, once: a header line and a receipt. It is empty, and has an error, if there is none.
class [[nodiscard]] permit {
public:
    permit() noexcept = default;
    permit(permit &&other) noexcept { take(other); }
    permit &operator=(permit &&other) noexcept {
        if (this != &other) {
            take(other);
        }
        return *this;
    }

    explicit operator bool() const noexcept { return static_cast<bool>(told_); }
    /// Why there is none.
    result error() const noexcept { return told_; }
    /// `Authorization: Bearer ...`; empty for a cookie session. Keep the permit for as long, and for its receipt.
    string_view header() const & noexcept { return line_.text(); }
    string_view header() const && = delete;
    /// The same, terminated by NUL.
    const char *c_str() const & noexcept { return line_.c_str(); }
    const char *c_str() const && = delete;
    /// The token alone.
    string_view token() const && = delete;
    string_view token() const & noexcept {
        const string_view line = header();
        const std::size_t at = line.rfind(' ');
        return at == string_view::npos ? string_view{} : line.substr(at + 1);
    }
    /// Comes back with the answer.
    std::uint64_t receipt() const noexcept { return receipt_; }

private:
    friend class latch;

    /// What is moved from is empty.
    void take(permit &other) noexcept {
        line_ = std::move(other.line_);
        receipt_ = std::exchange(other.receipt_, 0);
        told_ = std::exchange(other.told_, result{TL_ERR_UNKNOWN});
    }

    secret<TL_HEADER_CAPACITY> line_;
    std::uint64_t receipt_ = 0;
    result told_{TL_ERR_UNKNOWN};
};

/// What a login or a renewal gave.
struct grant {
    string_view access_token;
    std::optional<string_view> refresh_token;
    std::optional<string_view> scope;
    std::optional<string_view> subject;
    std::optional<string_view> app_data;
    /// How long the token lives from when its request was sent.
    std::optional<millis> expires_in;
    /// Or when it ends, since the Unix epoch, by the server's clock.
    std::optional<millis> expires_at;
    std::optional<millis> server_time;
    bool dpop = false;
};

/// The default configuration.
inline tl_config defaults() noexcept {
    tl_config config;
    tl_config_init(&config);
    return config;
}

/// A latch. It stays where it was made, and is wiped when it goes.
class latch {
public:
    /// `init` tells whether it could be made; until then every call gives `TL_ERR_UNINIT`.
    latch() noexcept : raw_{} {}
    /// Its `error` tells whether it could be made.
    latch(const tl_config &config, std::uint64_t seed) noexcept : raw_{} { static_cast<void>(init(config, seed)); }
    latch(const latch &) = delete;
    latch &operator=(const latch &) = delete;
    ~latch() { wipe(); }

    result init(const tl_config &config, std::uint64_t seed) noexcept {
        made_ = result{tl_latch_init(&raw_, &config, seed)};
        return made_;
    }
    /// Why it could not be made; `TL_OUTCOME_DONE` if it was.
    result error() const noexcept { return made_; }
    void wipe() noexcept {
        tl_latch_wipe(&raw_);
        made_ = result{TL_ERR_UNINIT};
    }
#ifdef TL_RECORDING
    /// Writes down what it is told, into a buffer that stays until `stop_recording`; see `tl_recording_start`.
    result start_recording(const std::array<std::uint8_t, 16> &key, std::uint8_t *buffer,
                           std::size_t capacity) noexcept {
        return result{tl_recording_start(&raw_, key.data(), buffer, capacity)};
    }
    /// How much of the buffer is a recording.
    std::optional<std::size_t> recording_size() const noexcept {
        std::size_t len = 0;
        if (tl_recording_len(&raw_, &len) < 0) {
            return std::nullopt;
        }
        return len;
    }
    result stop_recording() noexcept { return result{tl_recording_stop(&raw_)}; }
#endif
    /// For the functions of tokenlatch.h.
    tl_latch *raw() noexcept { return &raw_; }
    const tl_latch *raw() const noexcept { return &raw_; }

    result opened(now at) noexcept { return tell(tl_opened, at); }
    result resumed(now at) noexcept { return tell(tl_resumed, at); }
    result store_changed(now at) noexcept { return tell(tl_store_changed, at); }
    result went_offline(now at) noexcept { return tell(tl_went_offline, at); }
    result went_online(now at) noexcept { return tell(tl_went_online, at); }
    result refresh_requested(now at) noexcept { return tell(tl_refresh_requested, at); }
    result logout_requested(now at) noexcept { return tell(tl_logout_requested, at); }
    result timeout_reached(now at) noexcept { return tell(tl_timeout_reached, at); }
    result login_started(now at, std::uint32_t &ticket) noexcept { return tell(tl_login_started, at, &ticket); }
    result granted(now at, std::uint32_t ticket, const grant &given) noexcept {
        const tl_grant raw = raw_grant(given);
        return result{tl_granted(&raw_, ms(at.monotonic), ms(at.wall), ticket, &raw)};
    }
    result token_failed(now at, std::uint32_t ticket, std::uint32_t failure,
                        std::chrono::seconds retry_after = {}) noexcept {
        // What is longer than the type is the longest.
        constexpr auto most = std::chrono::seconds{UINT32_MAX};
        const auto seconds = std::clamp(retry_after, std::chrono::seconds{0}, most).count();
        return tell(tl_token_failed, at, ticket, failure, static_cast<std::uint32_t>(seconds));
    }
    /// `body` is written to.
    result token_response(now at, std::uint32_t ticket, const tl_response &response, char *body,
                          std::size_t len) noexcept {
        auto *bytes = reinterpret_cast<std::uint8_t *>(body);
        return result{tl_token_response(&raw_, ms(at.monotonic), ms(at.wall), ticket, &response, bytes, len)};
    }
    result loaded(now at, std::uint32_t ticket, string_view record) noexcept {
        return tell(tl_loaded, at, ticket, bytes(record), record.size());
    }
    result load_failed(now at, std::uint32_t ticket) noexcept { return tell(tl_load_failed, at, ticket); }
    result stored(now at, std::uint32_t ticket) noexcept { return tell(tl_stored, at, ticket); }
    result store_failed(now at, std::uint32_t ticket) noexcept { return tell(tl_store_failed, at, ticket); }
    result lease_granted(now at, std::uint32_t ticket) noexcept { return tell(tl_lease_granted, at, ticket); }
    result lease_denied(now at, std::uint32_t ticket) noexcept { return tell(tl_lease_denied, at, ticket); }
    result lease_lost(now at, std::uint32_t ticket) noexcept { return tell(tl_lease_lost, at, ticket); }
    result revoked(now at, std::uint32_t ticket) noexcept { return tell(tl_revoked, at, ticket); }
    result revoke_failed(now at, std::uint32_t ticket) noexcept { return tell(tl_revoke_failed, at, ticket); }
    result probed(now at, std::uint32_t ticket, std::uint32_t found) noexcept {
        return tell(tl_probed, at, ticket, found);
    }
    result access_requested(now at, std::uint32_t waiter) noexcept { return tell(tl_access_requested, at, waiter); }
    result access_retried(now at, std::uint32_t waiter, std::uint64_t receipt) noexcept {
        return tell(tl_access_retried, at, waiter, receipt);
    }
    result access_public(now at, std::uint32_t waiter) noexcept { return tell(tl_access_public, at, waiter); }
    result waiter_cancelled(now at, std::uint32_t waiter) noexcept { return tell(tl_waiter_cancelled, at, waiter); }
    result answered(now at, std::uint64_t receipt, std::uint16_t status, string_view www_authenticate = {}) noexcept {
        return tell(tl_answered, at, receipt, status, www_authenticate.data(), www_authenticate.size());
    }

    /// The next order, until there is none.
    std::optional<tl_effect> poll_effect() noexcept {
        tl_effect effect;
        if (tl_poll_effect(&raw_, &effect) > 0) {
            return effect;
        }
        return std::nullopt;
    }
    /// When to tell `timeout_reached`, by the monotonic clock.
    std::optional<millis> poll_timeout() const noexcept { return time(tl_poll_timeout(&raw_)); }

    /// Claims the permit of a released request.
    permit claim(now at, std::uint32_t waiter) noexcept {
        permit claimed;
        auto &line = claimed.line_;
        claimed.told_ = result{tl_permit_header(&raw_, ms(at.monotonic), ms(at.wall), waiter, line.bytes_.data(),
                                                line.bytes_.size(), &line.len_, &claimed.receipt_)};
        return settled(std::move(claimed));
    }
    /// The credential for the probe under way.
    permit probe_permit(std::uint32_t ticket) const noexcept {
        permit lent;
        auto &line = lent.line_;
        lent.told_ =
            result{tl_probe_permit_header(&raw_, ticket, line.bytes_.data(), line.bytes_.size(), &line.len_)};
        return settled(std::move(lent));
    }
    template <std::size_t N>
    result refresh_token(std::uint32_t ticket, secret<N> &into) const noexcept {
        return copy(into, [&](char *at, std::size_t *len) { return tl_refresh_token(&raw_, ticket, at, N, len); });
    }
    template <std::size_t N>
    result revocation(std::uint32_t ticket, secret<N> &into) const noexcept {
        return copy(into, [&](char *at, std::size_t *len) { return tl_revocation(&raw_, ticket, at, N, len); });
    }
    /// `secret<TL_RECORD_CAPACITY>` holds any.
    template <std::size_t N>
    result record(std::uint32_t ticket, secret<N> &into) const noexcept {
        return copy(into, [&](char *at, std::size_t *len) {
            return tl_record(&raw_, ticket, reinterpret_cast<std::uint8_t *>(at), N, len);
        });
    }
    template <std::size_t N>
    result subject(secret<N> &into) const noexcept {
        return copy(into, [&](char *at, std::size_t *len) { return tl_subject(&raw_, at, N, len); });
    }
    template <std::size_t N>
    result scope(secret<N> &into) const noexcept {
        return copy(into, [&](char *at, std::size_t *len) { return tl_scope(&raw_, at, N, len); });
    }
    template <std::size_t N>
    result app_data(secret<N> &into) const noexcept {
        return copy(into, [&](char *at, std::size_t *len) {
            return tl_app_data(&raw_, reinterpret_cast<std::uint8_t *>(at), N, len);
        });
    }

    /// `TL_STATE_*`, or an error.
    std::int32_t state() const noexcept { return tl_state(&raw_); }
    const char *state_name() const noexcept { return tl_state_name(static_cast<std::uint32_t>(state())); }
    bool is_volatile() const noexcept { return tl_is_volatile(&raw_) > 0; }
    bool is_offline() const noexcept { return tl_is_offline(&raw_) > 0; }
    std::int32_t waiting() const noexcept { return tl_waiting(&raw_); }
    std::int32_t trouble() const noexcept { return tl_trouble(&raw_); }
    std::optional<millis> expires_at() const noexcept { return time(tl_expires_at(&raw_)); }
    /// The last steps, for a person: `each` is called with a line for each.
    template <typename Each>
    void trace(Each &&each) const {
        std::array<tl_step, TL_TRACE_CAPACITY> steps;
        const std::int32_t count = tl_trace(&raw_, steps.data(), steps.size());
        for (std::int32_t at = 0; at < count; ++at) {
            std::array<char, TL_STEP_CAPACITY> line;
            std::size_t len = 0;
            if (tl_step_text(&steps[static_cast<std::size_t>(at)], line.data(), line.size(), &len) >= 0) {
                each(string_view{line.data(), len});
            }
        }
    }

private:
    /// What is negative is refused by each function, since it is over `INT64_MAX`.
    static std::uint64_t ms(millis time) noexcept { return static_cast<std::uint64_t>(time.count()); }
    /// What is negative is over already.
    static std::uint64_t span(millis time) noexcept { return time.count() > 0 ? ms(time) : 0; }
    static std::optional<millis> time(std::uint64_t ms) noexcept {
        if (ms == TL_NEVER) {
            return std::nullopt;
        }
        return millis{static_cast<millis::rep>(ms)};
    }
    static const std::uint8_t *bytes(string_view text) noexcept {
        return reinterpret_cast<const std::uint8_t *>(text.data());
    }

    template <typename... Types, typename... Values>
    result tell(std::int32_t (*fact)(tl_latch *, std::uint64_t, std::uint64_t, Types...), now at,
                Values... values) noexcept {
        return result{fact(&raw_, ms(at.monotonic), ms(at.wall), values...)};
    }

    template <std::size_t N, typename Copy>
    static result copy(secret<N> &into, Copy copy) noexcept {
        into.wipe();
        const result told{copy(into.bytes_.data(), &into.len_)};
        if (!told) {
            into.len_ = 0;
        }
        return told;
    }

    static permit settled(permit made) noexcept {
        if (!made) {
            made.line_.wipe();
        }
        return made;
    }

    static tl_grant raw_grant(const grant &given) noexcept {
        tl_grant raw{};
        raw.access_token = given.access_token.data();
        raw.access_token_len = given.access_token.size();
        set(given.refresh_token, raw.refresh_token, raw.refresh_token_len);
        set(given.scope, raw.scope, raw.scope_len);
        set(given.subject, raw.subject, raw.subject_len);
        const char *data = nullptr;
        set(given.app_data, data, raw.app_data_len);
        raw.app_data = reinterpret_cast<const std::uint8_t *>(data);
        if (given.expires_in) {
            raw.expiry = TL_EXPIRY_IN;
            raw.expiry_ms = span(*given.expires_in);
        } else if (given.expires_at) {
            raw.expiry = TL_EXPIRY_AT;
            raw.expiry_ms = span(*given.expires_at);
        }
        raw.server_time_ms = given.server_time ? span(*given.server_time) : 0;
        raw.token_type = given.dpop ? TL_TOKEN_TYPE_DPOP : TL_TOKEN_TYPE_BEARER;
        return raw;
    }
    static void set(const std::optional<string_view> &from, const char *&at, std::size_t &len) noexcept {
        if (from) {
            // An empty view may have no address, which would mean that there is none.
            at = from->empty() ? "" : from->data();
            len = from->size();
        }
    }

    tl_latch raw_;
    result made_{TL_ERR_UNINIT};
};

} // namespace tokenlatch

#endif // TOKENLATCH_HPP
