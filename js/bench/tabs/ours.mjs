// tokenlatch as it comes: IndexedDB and a Web Lock; a call is a renewal that is asked for.
import { createLatch } from "../../dist/index.js";

const latch = createLatch({
  clientId: "native-app", tokenEndpoint: `${SERVER}/token`, allow: [SERVER],
  // Collisions one after the other are a storm, which the budget would end.
  tune: { 15: 200, 16: 200 },
});

export const tab = {
  seed: (tokens) => latch.login(tokens),
  open: () => latch.ready(),
  expire() {},
  async call() {
    latch.renew();
    await latch.ready();
    return latch.state;
  },
};
