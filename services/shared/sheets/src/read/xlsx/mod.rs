//! Workbooks.

mod cells;
mod guard;
mod merged;

mod scan;

use super::{Format, Note, Opened, Source};
use crate::cell::{Cell, Row};
use crate::error::SheetError;
use crate::limits::Limits;
use calamine::{Reader, SheetType, SheetVisible, Xlsx, XlsxCellReader, XlsxError};
use merged::Merged;
use self_cell::{MutBorrow, self_cell};
use std::io::{BufReader, SeekFrom};
use std::panic::{AssertUnwindSafe, catch_unwind};

type Bytes = BufReader<Box<dyn Source>>;
type Workbook = Xlsx<Bytes>;
type Cells<'a> = XlsxCellReader<'a, Bytes>;

self_cell!(
    struct Sheet {
        owner: MutBorrow<Workbook>,
        #[not_covariant]
        dependent: Cells,
    }
);

pub(super) struct Rows {
    sheet: Sheet,
    merged: Merged,
    limits: Limits,
    /// A cell that belongs to the next row: its place and its content.
    ahead: Option<(u32, u32, Cell)>,
    /// Columns of the header, once it is known.
    width: Option<usize>,
    /// Whether the last cell was given; behind it the library finds an end that is none.
    over: bool,
    /// The last row that was begun, from 0.
    last: Option<u32>,
}

pub(super) fn open(mut source: Box<dyn Source>, limits: &Limits) -> Result<Opened, SheetError> {
    let merged = guard::check(BufReader::new(&mut source), limits)?;
    source.seek(SeekFrom::Start(0))?;
    let mut book = guarded(0, || Xlsx::new(BufReader::new(source)))?;
    let mut notes = Vec::new();
    let mut sheets = book.sheets_metadata().to_vec().into_iter();
    while let Some(sheet) = sheets.next() {
        if sheet.visible != SheetVisible::Visible {
            notes.push(Note::HiddenSheet { sheet: sheet.name });
            continue;
        }
        if sheet.typ != SheetType::WorkSheet {
            notes.push(Note::NotATable { sheet: sheet.name });
            continue;
        }
        let merged = match merged {
            0 => Merged::default(),
            _ => Merged::new(guarded(0, || book.merge_cells_by_sheet_name(&sheet.name))?),
        };
        let cells = Sheet::try_new_or_recover(MutBorrow::new(book), |book| {
            guarded(0, || book.borrow_mut().worksheet_cells_reader(&sheet.name))
        })
        .map_err(|(_, error)| error)?;
        let mut rows = Rows {
            sheet: cells,
            merged,
            limits: limits.clone(),
            ahead: None,
            width: None,
            over: false,
            last: None,
        };
        let Some(header) = rows.header()? else {
            notes.push(Note::NotATable { sheet: sheet.name });
            book = rows.sheet.into_owner().into_inner();
            continue;
        };
        notes.extend(sheets.map(|further| match further.visible {
            SheetVisible::Visible => Note::FurtherSheet { sheet: further.name },
            _ => Note::HiddenSheet { sheet: further.name },
        }));
        let format = Format::Xlsx { sheet: sheet.name };
        return Ok(Opened { format, header, notes, rows: super::Rows::Xlsx(Box::new(rows)) });
    }
    Err(SheetError::Empty)
}

impl Rows {
    /// The first row in which anything stands.
    fn header(&mut self) -> Result<Option<Row>, SheetError> {
        while let Some(mut row) = self.next_row()? {
            let Some(last) = row.cells.iter().rposition(|cell| !cell.is_blank()) else { continue };
            row.cells.truncate(last + 1);
            self.width = Some(last + 1);
            return Ok(Some(row));
        }
        Ok(None)
    }

    pub(super) fn next_row(&mut self) -> Result<Option<Row>, SheetError> {
        let first = match self.ahead.take() {
            Some(cell) => Some(cell),
            None => self.next_cell()?,
        };
        let Some((number, column, cell)) = first else { return Ok(None) };
        if self.last.is_some_and(|last| last >= number) {
            return Err(self.damaged("its rows are not in order"));
        }
        self.last = Some(number);
        let mut row = Row { number: u64::from(number) + 1, ..Row::default() };
        self.put(&mut row, column, cell)?;
        while let Some((next, column, cell)) = self.next_cell()? {
            if next != number {
                self.ahead = Some((next, column, cell));
                break;
            }
            self.put(&mut row, column, cell)?;
        }
        let width = self.width.unwrap_or(row.cells.len());
        row.cells.resize(width, Cell::Empty);
        self.merged.cover(number, &mut row.cells);
        Ok(Some(row))
    }

    /// Puts a cell into its column. What stands right of the header's last name belongs to no column.
    fn put(&self, row: &mut Row, column: u32, cell: Cell) -> Result<(), SheetError> {
        let column = column as usize;
        let width = self.width.unwrap_or(self.limits.columns);
        if column >= width {
            return match (cell.is_blank(), self.width) {
                (true, _) => Ok(()),
                (false, None) => Err(SheetError::TooManyColumns { found: column + 1, limit: width }),
                (false, Some(expected)) => {
                    row.problems.retain(|_| false);
                    row.problems.push(crate::Problem::Uneven { expected, found: column + 1 });
                    Ok(())
                }
            };
        }
        if row.cells.len() <= column {
            row.cells.resize(column + 1, Cell::Empty);
        }
        row.cells[column] = cell;
        Ok(())
    }

    fn next_cell(&mut self) -> Result<Option<(u32, u32, Cell)>, SheetError> {
        let Self { sheet, limits, last, over, .. } = self;
        if *over {
            return Ok(None);
        }
        let row = last.map_or(0, |last| u64::from(last) + 1);
        let next = guarded(row, || {
            sheet.with_dependent_mut(|_, cells| {
                let found = cells.next_cell_with_formula_metadata()?;
                Ok::<_, XlsxError>(found.map(|found| {
                    let (row, column) = found.pos;
                    (row, column, cells::cell(found.value, found.formula.is_some(), limits))
                }))
            })
        });
        *over = !matches!(next, Ok(Some(_)));
        next
    }

    fn damaged(&self, what: &'static str) -> SheetError {
        SheetError::Damaged { what, row: self.last.map_or(0, |last| u64::from(last) + 1) }
    }
}

/// Asks the library. It was made for files of good will, so what makes it panic is a damaged file, too.
fn guarded<T>(row: u64, ask: impl FnOnce() -> Result<T, XlsxError>) -> Result<T, SheetError> {
    match catch_unwind(AssertUnwindSafe(ask)) {
        Ok(Ok(found)) => Ok(found),
        Ok(Err(error)) => Err(cells::why(&error, row)),
        Err(_) => Err(SheetError::Damaged { what: "it cannot be made sense of", row }),
    }
}
