//! Why a request was refused, or a login is needed: one table of causes.
//!
//! Numbers are stable and never used again for something else. 1 to 99 are what the latch itself can know;
//! 100 and above are left to the hosts (cookies, CORS, redirects, storage).

#[cfg(feature = "capi")]
use core::ffi::CStr;

/// A text that ends with its only NUL.
#[cfg(feature = "capi")]
const fn c_text(text: &'static str) -> &'static CStr {
    match CStr::from_bytes_with_nul(text.as_bytes()) {
        Ok(text) => text,
        Err(_) => c"",
    }
}

macro_rules! causes {
    ($($(#[$doc:meta])* $code:literal $name:ident $en:literal $zh:literal $fix:literal;)*) => {
        /// Why a request was refused, or why a login is needed.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        #[cfg_attr(feature = "defmt", derive(defmt::Format))]
        #[non_exhaustive]
        #[repr(u8)]
        pub enum Cause {
            $($(#[$doc])* #[doc = $en] #[doc = ""] #[doc = concat!("What to do: ", $fix)] $name = $code,)*
        }

        impl Cause {
            /// Every cause, in the order of the codes.
            pub const ALL: &'static [Self] = &[$(Self::$name),*];

            /// The stable number.
            #[must_use]
            pub const fn code(self) -> u16 {
                self as u16
            }

            /// The cause with this number.
            #[must_use]
            pub const fn from_code(code: u16) -> Option<Self> {
                match code {
                    $($code => Some(Self::$name),)*
                    _ => None,
                }
            }

            /// The name, as in the source.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$name => stringify!($name),)* }
            }

            /// One English sentence for a person.
            #[must_use]
            pub const fn sentence(self) -> &'static str {
                match self { $(Self::$name => $en,)* }
            }

            /// One Chinese sentence for a person.
            #[must_use]
            pub const fn sentence_zh(self) -> &'static str {
                match self { $(Self::$name => $zh,)* }
            }

            /// What to do about it.
            #[must_use]
            pub const fn fix(self) -> &'static str {
                match self { $(Self::$name => $fix,)* }
            }
        }

        /// The same texts for C.
        #[cfg(feature = "capi")]
        impl Cause {
            pub(crate) const fn c_name(self) -> &'static CStr {
                match self { $(Self::$name => const { c_text(concat!(stringify!($name), "\0")) },)* }
            }

            pub(crate) const fn c_sentence(self) -> &'static CStr {
                match self { $(Self::$name => const { c_text(concat!($en, "\0")) },)* }
            }

            pub(crate) const fn c_sentence_zh(self) -> &'static CStr {
                match self { $(Self::$name => const { c_text(concat!($zh, "\0")) },)* }
            }

            pub(crate) const fn c_fix(self) -> &'static CStr {
                match self { $(Self::$name => const { c_text(concat!($fix, "\0")) },)* }
            }
        }
    };
}

causes! {
    1 NotSignedIn "Nobody is signed in." "当前没有登录用户。" "start a login";
    2 SignedOut "The user signed out." "用户已退出登录。" "drop the request";
    3 SignedOutElsewhere "Another context signed out." "另一个页面或进程已退出登录。" "show the login";
    4 SignInChanged "Another sign-in replaced the one this request belongs to." "登录身份已更换，此请求属于之前的登录。" "drop the request, ask again for the new user";
    5 LoginFailed "The login this request waited for failed." "所等待的登录失败了。" "let the user try again";
    6 WaitTimeout "The request waited longer than it may." "请求等待超时。" "raise `wait_limit_ms`, or look why the token is late";
    7 Unavailable "The token could not be renewed for now." "暂时无法续期令牌。" "try again later; the session is kept";
    8 Offline "The device is offline." "设备处于离线状态。" "try again when online; the session is kept";
    9 Throttled "Too many token requests in the window." "令牌请求过于频繁，已被限流。" "look what causes the renewals; the budget refills by itself";
    10 SessionEnded "The server ended the session (`invalid_grant`): revoked, expired or reused." "服务器已终止会话（invalid_grant）：被撤销、过期或重复使用。" "log in again";
    11 RefreshResponseLost "The answer to a renewal was lost, and the old refresh token may be used up." "续期响应丢失，旧的刷新令牌可能已失效。" "log in again; give the server a reuse grace and set `reuse_grace_ms`";
    12 InteractionRequired "The server wants the user before it renews (for example a second factor)." "服务器要求用户操作后才能续期（例如二次验证）。" "log in interactively";
    13 Misconfigured "The token endpoint refuses this client's set-up." "令牌端点拒绝此客户端的配置。" "check client id, secret, grant type and scope";
    14 Expired "The token expired and there is no way to renew it." "令牌已过期且无法续期。" "log in again, or ask for a refresh token";
    15 RefusedFresh "The server refused a token that it had just issued." "服务器拒绝了刚刚签发的令牌。" "check audience, environment and clock of the server";
    16 InsufficientScope "The token lacks the scope (`insufficient_scope`); renewing can't help." "令牌权限不足（insufficient_scope），续期无济于事。" "ask for the scope in a new authorization";
    17 StepUp "The server wants a stronger or newer authentication (RFC 9470)." "服务器要求更强或更新的身份验证（RFC 9470）。" "log in again with the `acr_values` or `max_age` of the challenge";
    18 DpopNonce "The DPoP nonce was refused twice." "DPoP nonce 连续两次被拒绝。" "use the newest `DPoP-Nonce` in the proof";
    19 RetriesExhausted "The request was refused as often as it may be tried." "请求已达到最大重试次数。" "look at the server's reason";
    20 ClockSuspect "The clock does not fit the times in the stored record." "系统时钟与存储记录不一致。" "set the clock; pass the server's `Date`";
    21 StoreCorrupt "The stored record can't be read." "存储的记录已损坏。" "log in again; look for another writer of that slot";
    22 StoreUnavailable "The store does not answer." "存储无法访问。" "check quota, permissions and private mode";
    23 LeaseUnavailable "The lease between contexts could not be had." "无法获得跨页面的互斥租约。" "look for a context that holds it for too long";
    24 CookieNotSent "The session cookie was not stored or not sent." "会话 Cookie 未被保存或未随请求发送。" "check SameSite, Secure, Domain and credentials mode";
    25 NoCredential "The server saw no credential in the request." "服务器未在请求中看到凭证。" "look for a proxy, a redirect or a wrapper that drops the header";
    26 OtherScheme "The server asks for another authentication scheme." "服务器要求其他认证方式。" "this 401 is not about this token";
    27 MalformedCredential "The server could not read the credential (`invalid_request`)." "服务器无法解析凭证（invalid_request）。" "check that the scheme stands once and the token has no quotes";
    28 Unknown "The server refused the request and gave no reason." "服务器拒绝请求且未说明原因。" "look at the trace";
}

impl core::fmt::Display for Cause {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(self.sentence())
    }
}

#[cfg(all(test, feature = "capi"))]
mod tests {
    use super::*;

    #[test]
    fn a_text_for_c_ends_at_its_only_nul() {
        assert_eq!(c_text("abc\0"), c"abc");
        assert_eq!(c_text("abc"), c"");
        assert_eq!(c_text("a\0c\0"), c"");
    }

    #[test]
    fn texts_for_c_are_those_of_the_library() {
        for cause in Cause::ALL {
            let texts = [
                (cause.c_name(), cause.name()),
                (cause.c_sentence(), cause.sentence()),
                (cause.c_sentence_zh(), cause.sentence_zh()),
                (cause.c_fix(), cause.fix()),
            ];
            for (c, text) in texts {
                assert_eq!(c.to_str(), Ok(text));
                assert_ne!(text, "");
            }
        }
    }
}
