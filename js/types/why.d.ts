import type { Cause, State, Step } from "./common.js";

export interface Explanation {
  code: Cause;
  /** A stable name. */
  name: string;
  /** One English sentence. */
  sentence: string;
  /** One Chinese sentence. */
  sentenceZh: string;
  /** What to do about it. */
  fix: string;
}

export interface Described {
  /** Milliseconds since the Unix epoch. */
  at: number;
  event: string;
  from: State;
  to: State;
  effects: string[];
}

/** Explains the number of a `LatchError`, of `onLoginRequired` or of `latch.why`. */
export function explain(code: Cause): Explanation;
/** A step of `latch.trace()` in words. */
export function describe(step: Step): Described;
