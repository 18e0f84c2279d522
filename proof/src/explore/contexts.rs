//! The contexts of a world. Worlds share them; what changes one takes a copy first, and marks it.

use std::ops::Index;
use std::ops::IndexMut;
use std::sync::Arc;

use super::world::Context;

/// At most three, and one that is there for one action.
#[derive(Clone)]
pub(crate) struct Contexts(heapless::Vec<Arc<Context>, 4>);

impl Contexts {
    pub(crate) const fn new() -> Self {
        Self(heapless::Vec::new())
    }

    pub(crate) fn push(&mut self, context: Context) {
        let _ = self.0.push(Arc::new(context));
    }

    pub(crate) fn pop(&mut self) -> Option<Context> {
        self.0.pop().map(Arc::unwrap_or_clone)
    }

    /// As they are shared.
    pub(crate) fn shared(&self) -> &[Arc<Context>] {
        &self.0
    }

    /// Puts one that is shared with other worlds in the place of another.
    pub(crate) fn share(&mut self, index: usize, context: Arc<Context>) {
        self.0[index] = context;
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Context> {
        self.0.iter().map(Arc::as_ref)
    }

    /// All of them, each to be changed.
    pub(crate) fn iter_mut(&mut self) -> impl Iterator<Item = &mut Context> {
        self.0.iter_mut().map(touch)
    }

    /// Those that were changed since they had their canonical form.
    pub(crate) fn touched(&mut self) -> impl Iterator<Item = &mut Context> {
        let touched = self.0.iter_mut().filter(|context| context.touched);
        touched.map(touch)
    }

    pub(crate) fn sort_by_key<K: Ord>(&mut self, mut key: impl FnMut(&Context) -> K) {
        self.0.sort_by_key(|context| key(context));
    }
}

fn touch(context: &mut Arc<Context>) -> &mut Context {
    let context = Arc::make_mut(context);
    context.touched = true;
    context
}

impl Index<usize> for Contexts {
    type Output = Context;

    fn index(&self, index: usize) -> &Context {
        &self.0[index]
    }
}

impl IndexMut<usize> for Contexts {
    fn index_mut(&mut self, index: usize) -> &mut Context {
        touch(&mut self.0[index])
    }
}
