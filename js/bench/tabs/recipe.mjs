// The common recipe: a Web Lock, and under it another look at localStorage before the refresh.
const KEY = "tokens";
const read = () => JSON.parse(localStorage.getItem(KEY));
const write = (tokens) => localStorage.setItem(KEY, JSON.stringify(tokens));

export const tab = {
  seed: (tokens) => write({ ...tokens, until: Date.now() + 3_600_000 }),
  open() {},
  expire: () => write({ ...read(), until: 0 }),
  async call() {
    if (read().until > Date.now()) return read().access_token;
    return navigator.locks.request("refresh", async () => {
      const now = read();
      if (now.until > Date.now()) return now.access_token;
      const answer = await fetch(`${SERVER}/token`, {
        method: "POST",
        body: new URLSearchParams({ grant_type: "refresh_token", client_id: "native-app", refresh_token: now.refresh_token }),
      });
      if (!answer.ok) throw new Error(String(answer.status));
      const tokens = await answer.json();
      write({ ...tokens, until: Date.now() + tokens.expires_in * 1000 });
      return tokens.access_token;
    });
  },
};
