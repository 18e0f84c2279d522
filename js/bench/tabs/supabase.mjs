// supabase's auth client on localStorage, as it comes and with its Web Lock; a call is `getSession` on an expired session.
import { AuthClient, navigatorLock } from "@supabase/auth-js";

const KEY = "session";
let client;

export const tab = {
  seed(tokens) {
    const expires_at = Math.floor(Date.now() / 1000) + 3600;
    localStorage.setItem(KEY, JSON.stringify({ ...tokens, expires_at, user: { id: "alice" } }));
  },
  open() {
    client = new AuthClient({
      url: `${SERVER}/supabase`, storageKey: KEY, autoRefreshToken: false, detectSessionInUrl: false,
      ...(WITH_LOCK ? { lock: navigatorLock } : {}),
    });
    return client.initialize();
  },
  expire() {
    const session = JSON.parse(localStorage.getItem(KEY));
    localStorage.setItem(KEY, JSON.stringify({ ...session, expires_at: 1 }));
  },
  async call() {
    const { data, error } = await client.getSession();
    if (error) throw error;
    return data.session.access_token;
  },
};
