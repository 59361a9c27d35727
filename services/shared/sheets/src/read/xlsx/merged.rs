//! Merged cells: the value stands in the first, the others say which that is.

use crate::cell::{Cell, cell_name};
use calamine::Dimensions;

#[derive(Default)]
pub(super) struct Merged {
    /// Those that begin further down, the nearest last.
    to_come: Vec<Dimensions>,
    /// Those that reach the row that was asked last.
    open: Vec<Dimensions>,
}

impl Merged {
    pub(super) fn new(mut all: Vec<Dimensions>) -> Self {
        all.sort_unstable_by_key(|one| std::cmp::Reverse(one.start));
        Self { to_come: all, open: Vec::new() }
    }

    /// Marks the covered cells of a row. Rows are asked from the top down.
    pub(super) fn cover(&mut self, row: u32, cells: &mut [Cell]) {
        while let Some(next) = self.to_come.pop_if(|next| next.start.0 <= row) {
            self.open.push(next);
        }
        self.open.retain(|one| one.end.0 >= row);
        for one in &self.open {
            let columns = one.start.1 as usize..(one.end.1 as usize).saturating_add(1).min(cells.len());
            for column in columns {
                if (row, column) != (one.start.0, one.start.1 as usize) && cells[column].is_blank() {
                    cells[column] = Cell::Covered { first: cell_name(one.start.0, one.start.1) };
                }
            }
        }
    }
}
