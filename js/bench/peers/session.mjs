// What an application keeps for itself beside a library that only sends: the tokens and the three calls.
const FORM = { "content-type": "application/x-www-form-urlencoded" };

/** The tokens of one user; `send` posts forms to the server's token endpoint. */
export class Session {
  access = null;
  refresh = null;

  constructor(server) {
    this.server = server;
  }

  async #token(fields) {
    const answer = await fetch(`${this.server}/token`, {
      method: "POST", headers: FORM, body: new URLSearchParams({ client_id: "native-app", ...fields }),
    });
    if (!answer.ok) throw new Error(`token endpoint: ${answer.status}`);
    const told = await answer.json();
    this.access = told.access_token;
    this.refresh = told.refresh_token;
  }

  login() {
    return this.#token({ grant_type: "password", username: "alice", password: "wonderland" });
  }

  renew() {
    return this.#token({ grant_type: "refresh_token", refresh_token: this.refresh });
  }

  logout() {
    this.access = null;
    this.refresh = null;
  }

  header() {
    return this.access === null ? {} : { authorization: `Bearer ${this.access}` };
  }
}
