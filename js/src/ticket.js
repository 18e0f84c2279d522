// The page's half of a sign-in from a mini-program: a one-time ticket in the address.

/**
 * Takes the ticket out of the address, so that it is neither kept nor shared, and signs in with it. Without a ticket
 * nothing happens.
 *
 * @param {import("../types/index").Latch} latch
 * @param {(ticket: string) => unknown} exchange asks the server for tokens
 */
export const redeem = async (latch, exchange) => {
  const url = new URL(location.href);
  const ticket = url.searchParams.get("ticket");
  if (!ticket) return;
  // The rest stays as it is written.
  url.search = url.search.slice(1).split("&").filter((part) => !/^ticket(=|$)/.test(part)).join("&");
  history.replaceState(history.state, "", url);
  return latch.login(() => exchange(ticket));
};
