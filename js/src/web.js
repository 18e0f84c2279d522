// What the pages of every browser share: how answers are read, and what happens to a page.

import { LOST, NOT_SENT, RESUMED, STORE_CHANGED, WENT_OFFLINE, WENT_ONLINE } from "./numbers.js";

const none = () => null;

/** Status, headers and body of a `Response`, which can still be read after it; anything else is the body of a success. */
export const see = (answer) =>
  answer && answer.headers && answer.text ? [answer.status, (name) => answer.headers.get(name), () => answer.clone().text()] : [200, none, () => answer];

/** The answer in another client's error: a `Response` that can be read, or what the client has read of it. */
export const answerOf = ({ response, data = response.data ?? response.text }) => {
  if (response.clone && !response.bodyUsed) return response;
  const { status, headers } = response;
  return new Response(typeof data === "string" ? data : JSON.stringify(data), { status, headers: headers.forEach ? headers : { ...headers } });
};

/**
 * How a token request failed that got no answer. A page is not told whether it arrived: an aborted one may have, any
 * other is taken for not sent, since a session must not end with each loss of the network.
 */
export const failure = (error) => (error && /Abort|Timeout/.test(error.name) ? LOST : NOT_SENT);

/** Tells the latch what happens to the page, where there is one, and hears from other tabs. */
export const page = (name, tell) => {
  const { window, document, navigator = {}, BroadcastChannel } = globalThis;
  const removers = [];
  const on = (target, type, listener) => {
    if (!target) return;
    target.addEventListener(type, listener);
    removers.push(() => target.removeEventListener(type, listener));
  };
  const resumed = () => {
    // Nobody told it what happened to the network meanwhile.
    tell(navigator.onLine === false ? WENT_OFFLINE : WENT_ONLINE);
    tell(RESUMED);
  };
  on(window, "pageshow", (event) => event.persisted && resumed());
  on(document, "visibilitychange", () => document.hidden || resumed());
  on(window, "online", () => tell(WENT_ONLINE));
  on(window, "offline", () => tell(WENT_OFFLINE));
  if (navigator.onLine === false) tell(WENT_OFFLINE);

  // Other tabs are told that the store changed, with the generation that it has now, and nothing else.
  const key = name + "!";
  let channel;
  try {
    channel = BroadcastChannel && new BroadcastChannel(name);
    // It keeps no program alive.
    channel.unref && channel.unref();
  } catch {
    // Denied, with the site's storage.
  }
  on(channel || window, channel ? "message" : "storage", ({ data, key: changed, newValue }) => {
    if (channel) tell(STORE_CHANGED, data);
    // What is random makes every writing a change.
    else if (changed === key) tell(STORE_CHANGED, `${newValue}`.slice(0, 8));
  });
  return [
    (generation) => (channel ? channel.postMessage(generation) : localStorage.setItem(key, generation + Math.random())),
    () => {
      removers.forEach((remove) => remove());
      channel && channel.close();
    },
  ];
};
