// What the numbers mean, for people. Only who imports this pays for the texts.

import { CAUSES } from "core:causes";
import { DESTROYED, FAILED, NOT_LOADED, NOT_REPLAYABLE, REDIRECTED, SUPERSEDED } from "./numbers.js";

// What only a host can know.
const HOST = [
  [
    REDIRECTED,
    "Redirected",
    "The request was redirected to another origin, and the browser dropped the token on the way.",
    "请求被重定向到其他源，浏览器在途中去掉了令牌。",
    "call the final address directly",
  ],
  [
    NOT_REPLAYABLE,
    "NotReplayable",
    "The request was refused and can't be sent again: its body was a stream.",
    "请求被拒绝且无法重发：请求体是流。",
    "send a Blob, or try again with a new stream",
  ],
  [DESTROYED, "Destroyed", "The latch was destroyed.", "latch 已被销毁。", "create another one"],
  [
    SUPERSEDED,
    "Superseded",
    "Another login began before this one was answered.",
    "在此次登录得到响应之前，另一次登录已开始。",
    "wait for the newer one",
  ],
  [
    NOT_LOADED,
    "NotLoaded",
    "The page may not run WebAssembly, and the core as JavaScript could not be loaded.",
    "页面不允许运行 WebAssembly，且 JavaScript 版核心无法加载。",
    "serve the module tokenlatch/core with the page",
  ],
];

const FAILURES = [
  ["NotSent", "The token request never left, as far as can be told.", "令牌请求未能发出。"],
  ["Lost", "The answer to the token request was lost.", "令牌请求的响应丢失。"],
  ["RateLimited", "The token endpoint limits the rate.", "令牌端点限制请求频率。"],
  ["Unavailable", "The token endpoint is unavailable.", "令牌端点不可用。"],
  ["InvalidGrant", "The grant is invalid, expired or revoked.", "授权无效、过期或已被撤销。"],
  ["InteractionRequired", "The server wants the user.", "服务器要求用户操作。"],
  ["Misconfigured", "The token endpoint refuses the client's set-up.", "令牌端点拒绝此客户端的配置。"],
  ["Unrecognized", "The answer is not a token endpoint's.", "响应不是令牌端点的响应。"],
];

const ERRORS = {
  "-1": ["Argument", "A setting is not a number that it can have.", "某个设置的数值无效。"],
  "-12": ["QueueFull", "As many requests wait as there is room for.", "等待的请求已满。"],
  "-14": ["NoSession", "There is no session to renew.", "没有可续期的会话。"],
  "-15": ["Throttled", "The budget of token requests is spent.", "令牌请求的配额已用完。"],
  "-20": ["Empty", "A token is missing or empty.", "令牌缺失或为空。"],
  "-21": ["Literal", "The token is a script's literal for a missing value.", "令牌是脚本中表示缺失值的字面量。"],
  "-22": ["Quoted", "The token has quotes around it.", "令牌带有引号。"],
  "-23": ["Scheme", "The token begins with its scheme.", "令牌以认证方案开头。"],
  "-24": ["Character", "The token has a character that no header can carry.", "令牌含有请求头不允许的字符。"],
  "-25": ["TooLong", "A field is longer than 8 KiB.", "字段超过 8 KiB。"],
  "-26": ["Lifetime", "The lifetime is zero, negative, over or not a number.", "有效期为零、负数、已过或不是数字。"],
  "-27": ["TokenType", "The token type is not understood.", "无法识别的令牌类型。"],
  "-40": ["LeaseWithoutStore", "A lease needs a store.", "租约需要存储。"],
  "-41": ["ConfirmationWithoutStore", "This confirmation level needs a store.", "此确认级别需要存储。"],
  "-42": ["AmbientWithoutProbe", "A cookie session is confirmed by a probe only.", "Cookie 会话只能通过探测确认。"],
  "-43": ["Zero", "A setting that must not be zero is zero.", "某个不能为零的设置为零。"],
  "-44": ["BackoffCap", "The back-off cap is smaller than its base.", "退避上限小于其基数。"],
  "-45": ["LeaseTimeout", "The lease deadline is shorter than one renewal.", "租约期限短于一次续期。"],
};

/**
 * Explains the number of a `LatchError`, of `onLoginRequired` or of `latch.why`.
 *
 * @param {number} code
 * @returns {import("../types/why").Explanation}
 */
export const explain = (code) => {
  const cause = [...CAUSES, ...HOST].find(([number]) => number === code);
  if (cause) return { code, name: cause[1], sentence: cause[2], sentenceZh: cause[3], fix: cause[4] };
  // A grant that can't be used is 16 less its error.
  const [name, sentence, sentenceZh] = FAILURES[code - FAILED] || ERRORS[code] || ERRORS[FAILED + 16 - code] || ["Unknown", "", ""];
  return { code, name, sentence, sentenceZh, fix: "" };
};

const EVENTS = [
  "Opened",
  "Resumed",
  "StoreChanged",
  "WentOffline",
  "WentOnline",
  "LoginStarted",
  "Granted",
  "TokenFailed",
  "Loaded",
  "LoadFailed",
  "Stored",
  "StoreFailed",
  "Probed",
  "LeaseGranted",
  "LeaseDenied",
  "LeaseLost",
  "Revoked",
  "RevokeFailed",
  "AccessRequested",
  "Answered",
  "WaiterCancelled",
  "RefreshRequested",
  "LogoutRequested",
  "TimeoutReached",
];
const EFFECTS = [
  ,
  "StateChanged",
  "Load",
  "Store",
  "Announce",
  "ReleaseLease",
  "AcquireLease",
  "SendTokenRequest",
  "Probe",
  "Revoke",
  "RequireLogin",
  "Refuse",
  "Release",
];
const STATES = ["Unauthenticated", "Pending", "Ready", "Refreshing", "Expired"];

/**
 * A step of `latch.trace()` in words.
 *
 * @param {import("../types/index").Step} step
 * @returns {import("../types/why").Described}
 */
export const describe = ([at, event, from, to, ...effects]) => ({
  at,
  event: EVENTS[event],
  from: STATES[from],
  to: STATES[to],
  effects: effects.map((effect) => EFFECTS[effect]),
});
