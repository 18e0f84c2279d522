//! What a load found, compared with what is held.

use core::cmp::Ordering;

use crate::lease::Lease;
use crate::machine::Bytes;
use crate::machine::Machine;
use crate::machine::Seen;
use crate::record::Corrupt;
use crate::session::Rotation;
use crate::session::left;
use crate::state::Stamp;
use crate::sync::Goal;
use crate::sync::Stage;
use crate::time::since;
use crate::why::Cause;

/// What a load found, without the bytes.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Found<'a> {
    Absent,
    Corrupt(Corrupt),
    Record(&'a RecordFacts),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct RecordFacts {
    pub(crate) stamp: Stamp,
    pub(crate) saved_wall: u64,
    pub(crate) issued_wall: u64,
    pub(crate) expires_wall: u64,
    pub(crate) sent_wall: u64,
    pub(crate) sent: bool,
    pub(crate) has_refresh: bool,
    pub(crate) rotation: Rotation,
    pub(crate) debt: u64,
}

impl<const W: usize> Machine<W> {
    /// The answer of the load under way.
    pub(crate) fn loaded(&mut self, found: Found<'_>) {
        let Some(sync) = &self.sync else { return };
        let goal = sync.goal;
        let reading_back = matches!(sync.stage, Stage::ReadingBack(_));
        if let Lease::Held { reread, .. } = &mut self.lease {
            // A look does not do what is done before a write.
            *reread |= goal != Goal::Look;
        }
        self.note_budget(found);
        if self.unbound {
            match goal {
                Goal::Save => {
                    self.raise_above(found);
                    return self.store_record();
                }
                Goal::Mark => {
                    self.raise_above(found);
                    return self.mark();
                }
                Goal::Restore | Goal::Look | Goal::Recheck => {}
            }
        }
        let Found::Record(facts) = found else {
            return self.loaded_older(goal, reading_back, found);
        };
        if goal == Goal::Restore {
            return self.restore(facts);
        }
        match facts.stamp.against(&self.stamp) {
            Ordering::Greater => self.take_newer(facts),
            Ordering::Equal => self.loaded_same(goal, reading_back, facts),
            Ordering::Less => self.loaded_older(goal, reading_back, found),
        }
    }

    /// What the budget in the record says was spent, here before a restart or in another context.
    fn note_budget(&mut self, found: Found<'_>) {
        let Found::Record(facts) = found else { return };
        let seen = Seen {
            saved: facts.saved_wall,
            nonce: facts.stamp.nonce,
            debt: facts.debt,
        };
        if self.debt_seen == seen {
            // The same record again: our own clock has counted since then, whatever the wall clock did.
            return;
        }
        self.debt_seen = seen;
        let passed = since(self.clock.wall, facts.saved_wall);
        self.budget
            .owe(&self.config, self.clock.now, since(facts.debt, passed));
    }

    /// A new sign-in or sign-out comes after whatever the store holds.
    fn raise_above(&mut self, found: Found<'_>) {
        self.unbound = false;
        let Found::Record(facts) = found else { return };
        if facts.stamp.sign_in >= self.stamp.sign_in {
            self.stamp.sign_in = facts.stamp.sign_in.saturating_add(1);
        }
        if self.session.is_none() {
            if facts.stamp.live {
                // The sign-out came before the first look: this is the session it ends.
                self.revoke_found();
            }
        }
    }

    fn restore(&mut self, facts: &RecordFacts) {
        self.sync = None;
        self.unbound = false;
        if facts.stamp.live {
            return self.take_newer(facts);
        }
        self.stamp = facts.stamp;
        self.nobody(Cause::SignedOut);
    }

    /// Another context signed in, out, or renewed.
    fn take_newer(&mut self, facts: &RecordFacts) {
        self.sync = None;
        let unstored = core::mem::take(&mut self.dirty);
        if facts.stamp.live {
            self.adopt(facts);
        } else {
            self.signed_out_elsewhere(facts.stamp, unstored);
        }
    }

    fn loaded_same(&mut self, goal: Goal, reading_back: bool, facts: &RecordFacts) {
        if reading_back {
            return self.read_back(facts);
        }
        match goal {
            Goal::Restore | Goal::Look => self.looked(),
            Goal::Recheck => self.rechecked(),
            Goal::Save => {
                self.keep_mark(facts);
                self.store_record();
            }
            Goal::Mark => {
                self.keep_mark(facts);
                self.mark();
            }
        }
    }

    /// The mark must be there too: a sibling would send the refresh token again without it.
    fn read_back(&mut self, facts: &RecordFacts) {
        let sent = self.session.as_ref().is_some_and(|session| session.sent);
        if facts.sent == sent {
            return self.synced();
        }
        self.sync_failed();
    }

    fn loaded_older(&mut self, goal: Goal, reading_back: bool, found: Found<'_>) {
        if reading_back {
            // The store did not keep what it said it wrote.
            return self.sync_failed();
        }
        match goal {
            Goal::Restore => self.restored_nothing(found),
            Goal::Look => {
                // What we hold is not there (any more): write it, unless there never was anything.
                self.dirty = self.stamp.is_given();
                self.looked();
            }
            Goal::Recheck => self.rechecked(),
            Goal::Save => {
                self.revoke_if_ended(found);
                self.store_record();
            }
            Goal::Mark => self.mark(),
        }
    }

    fn restored_nothing(&mut self, found: Found<'_>) {
        self.sync = None;
        self.unbound = false;
        let cause = match found {
            Found::Corrupt(_) => Cause::StoreCorrupt,
            _ => Cause::NotSignedIn,
        };
        self.nobody(cause);
    }

    /// A sibling renewed after our sign-out and before we had the lease: its token is alive, and nobody's.
    fn revoke_if_ended(&mut self, found: Found<'_>) {
        if self.session.is_some() {
            return;
        }
        let Found::Record(RecordFacts { stamp, .. }) = found else {
            return;
        };
        if !stamp.live {
            return;
        }
        if stamp.sign_in.saturating_add(1) == self.stamp.sign_in {
            if stamp.serial > self.ended_serial {
                self.revoke_found();
            }
        }
    }

    fn revoke_found(&mut self) {
        self.bytes = Bytes::RevokeFound;
        self.start_revocation();
    }

    /// What is written over a record with the same credential must not lose a sibling's mark. Our own, known by its
    /// time, goes: the server has answered, or was not asked.
    fn keep_mark(&mut self, facts: &RecordFacts) {
        let wall = self.clock.wall;
        let Some(session) = &mut self.session else {
            return;
        };
        if session.void_mark {
            if session.sent_wall == facts.sent_wall {
                return;
            }
        }
        if session.sent {
            return;
        }
        // A mark that we did not set, and we hold the lease: its holder is gone, the answer is lost.
        if facts.sent {
            session.sent = true;
            session.lost = true;
            session.reread = true;
            session.sent_wall = facts.sent_wall;
            let left = left(self.config.reuse_grace_ms, facts.sent_wall, wall);
            session.resend_until = self.clock.after(left);
        }
    }
}
