// The client that most pages have: the token in localStorage, a header on each request, a refresh on 401.

export function createNaive(world, { send, state, onSignedOut }) {
  const KEY = "naive";
  // Read once, when the page starts, as most do.
  let tokens = JSON.parse(localStorage.getItem(KEY) ?? "null");
  const keep = (next) => {
    tokens = next;
    if (next) localStorage.setItem(KEY, JSON.stringify(next));
    else localStorage.removeItem(KEY);
    state(next ? "has a token" : "no token");
  };
  state(tokens ? "has a token" : "no token");

  async function token(fields) {
    const answer = await send("token", `/${world}/token`, { method: "POST", body: new URLSearchParams(fields) });
    if (!answer.ok) throw new Error("the token endpoint refused");
    keep(await answer.json());
  }

  const ask = (path, row) => send(row, path, { headers: { Authorization: `Bearer ${tokens?.access_token}` } });

  return {
    login: () => token({ grant_type: "password", username: "alice" }),
    async load(path, row) {
      let answer = await ask(path, row);
      if (answer.status === 401 && tokens) {
        try {
          await token({ grant_type: "refresh_token", refresh_token: tokens.refresh_token });
        } catch (error) {
          keep(null);
          onSignedOut();
          throw error;
        }
        answer = await ask(path, row);
      }
      return answer;
    },
    logout: () => keep(null),
    has: () => tokens !== null,
  };
}
