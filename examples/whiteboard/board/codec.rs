//! Strokes as few bytes: a pen moves smoothly, so each point is close to where the last two point to.
//!
//! The layout, in order; integers are LEB128, signed ones zigzagged first:
//!
//! | part | bytes |
//! |---|---|
//! | colour | 3 |
//! | width in grid steps | 1–2 |
//! | number of points | 1–2 |
//! | first point, x then y | 2–8 |
//! | if there are more: parameter `k` (low 5 bits), order − 1 (bit 5) | 1 |
//! | the others: Rice-coded residuals, x then y, most significant bit first, zero bits to the byte's end | the rest |
//!
//! A residual is the difference to the predicted coordinate: the last one (order 1) or the last one moved on by the
//! last step (order 2). Its Rice code with parameter `k` is the zigzagged value shifted right by `k` in unary (ones,
//! then a zero), then its low `k` bits. The encoder takes the order and `k` that give the fewest bits, the lowest on
//! a tie; the decoder refuses every other encoding, so that a stroke has exactly one.

use super::stroke::{COORDINATE_MAX, ENCODED_BYTES_MAX, POINTS_MAX, Point, Stroke, StrokeError};

/// The largest Rice parameter: a residual of order 2 has fewer than 28 bits.
const PARAMETER_MAX: u32 = 27;
/// Where the order is in the byte of the parameter.
const ORDER_BIT: u8 = 1 << 5;

/// The bytes of a stroke.
pub fn encode(stroke: &Stroke) -> Vec<u8> {
    let points = stroke.grid();
    let mut bytes = stroke.color().to_vec();
    put_number(&mut bytes, u64::from(stroke.width_steps()));
    put_number(&mut bytes, points.len() as u64);
    put_number(&mut bytes, zigzag(i64::from(points[0].x)));
    put_number(&mut bytes, zigzag(i64::from(points[0].y)));
    if points.len() > 1 {
        let (order, parameter, residuals) = cheapest(points);
        bytes.push(parameter as u8 | if order == 2 { ORDER_BIT } else { 0 });
        let mut bits = BitWriter { bytes, free: 0 };
        residuals.iter().for_each(|&residual| bits.rice(residual, parameter));
        bytes = bits.bytes;
    }
    bytes
}

/// The stroke of some bytes; refuses all that [`encode`] doesn't write.
pub fn decode(bytes: &[u8]) -> Result<Stroke, StrokeError> {
    let stroke = decode_trusted(bytes)?;
    if encode(&stroke) != bytes {
        return Err(StrokeError::Malformed("not the shortest encoding"));
    }
    Ok(stroke)
}

/// The stroke of bytes that were [`decode`]d before: that nothing shorter says the same is what takes most of the time.
pub fn decode_trusted(bytes: &[u8]) -> Result<Stroke, StrokeError> {
    if bytes.len() > ENCODED_BYTES_MAX {
        return Err(StrokeError::Malformed("too many bytes"));
    }
    let mut rest = bytes;
    let color = rest.split_off(..3).ok_or(StrokeError::Malformed("no colour"))?;
    let width = u16::try_from(number(&mut rest)?).map_err(|_| StrokeError::Width)?;
    let count = number(&mut rest)?;
    if count == 0 {
        return Err(StrokeError::Empty);
    }
    if count > POINTS_MAX as u64 {
        return Err(StrokeError::TooManyPoints { points: usize::try_from(count).unwrap_or(usize::MAX) });
    }
    let first = Point { x: coordinate(&mut rest)?, y: coordinate(&mut rest)? };
    let points = if count == 1 { vec![first] } else { more_points(first, count as usize, rest)? };
    Stroke::from_grid([color[0], color[1], color[2]], width, points)
}

fn more_points(first: Point, count: usize, rest: &[u8]) -> Result<Vec<Point>, StrokeError> {
    let (&head, rest) = rest.split_first().ok_or(StrokeError::Malformed("no parameter"))?;
    let (parameter, order) = (u32::from(head & !ORDER_BIT), if head & ORDER_BIT == 0 { 1 } else { 2 });
    if parameter > PARAMETER_MAX {
        return Err(StrokeError::Malformed("parameter out of range"));
    }
    let mut bits = BitReader { bytes: rest, place: 0 };
    let mut points = vec![first];
    while points.len() < count {
        let (x, y) = predicted(&points, order);
        let mut next = |from: i64| on_board(from + unzigzag(bits.rice(parameter)?));
        points.push(Point { x: next(x)?, y: next(y)? });
    }
    Ok(points)
}

/// The order, parameter and residuals with the fewest bits.
fn cheapest(points: &[Point]) -> (u8, u32, Vec<u64>) {
    let coded = [1, 2].map(|order| {
        let residuals = residuals(points, order);
        let (bits, parameter) = (0..=PARAMETER_MAX)
            .map(|k| (residuals.iter().map(|&residual| (residual >> k) + 1 + u64::from(k)).sum::<u64>(), k))
            .min()
            .expect("there is at least one parameter");
        (bits, order, parameter, residuals)
    });
    let [first, second] = coded;
    let (_, order, parameter, residuals) = if second.0 < first.0 { second } else { first };
    (order, parameter, residuals)
}

fn residuals(points: &[Point], order: u8) -> Vec<u64> {
    (1..points.len())
        .flat_map(|i| {
            let (x, y) = predicted(&points[..i], order);
            [zigzag(i64::from(points[i].x) - x), zigzag(i64::from(points[i].y) - y)]
        })
        .collect()
}

/// Where the next point is expected.
fn predicted(points: &[Point], order: u8) -> (i64, i64) {
    let wide = |point: Point| (i64::from(point.x), i64::from(point.y));
    let last = wide(points[points.len() - 1]);
    match points {
        [.., before, _] if order == 2 => {
            let before = wide(*before);
            (2 * last.0 - before.0, 2 * last.1 - before.1)
        }
        _ => last,
    }
}

fn zigzag(value: i64) -> u64 {
    ((value << 1) ^ (value >> 63)) as u64
}

fn unzigzag(value: u64) -> i64 {
    (value >> 1) as i64 ^ -((value & 1) as i64)
}

fn put_number(bytes: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        bytes.push(value as u8 | 0x80);
        value >>= 7;
    }
    bytes.push(value as u8);
}

/// A number of at most five bytes.
fn number(rest: &mut &[u8]) -> Result<u64, StrokeError> {
    let mut value = 0;
    for shift in [0, 7, 14, 21, 28] {
        let &byte = rest.split_off_first().ok_or(StrokeError::Malformed("cut short"))?;
        value |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Ok(value);
        }
    }
    Err(StrokeError::Malformed("number too long"))
}

fn coordinate(rest: &mut &[u8]) -> Result<i32, StrokeError> {
    on_board(unzigzag(number(rest)?))
}

fn on_board(value: i64) -> Result<i32, StrokeError> {
    match i32::try_from(value) {
        Ok(value) if value.abs() <= COORDINATE_MAX => Ok(value),
        _ => Err(StrokeError::Malformed("coordinate off the board")),
    }
}

struct BitWriter {
    bytes: Vec<u8>,
    /// Bits of the last byte that are not written yet.
    free: u32,
}

impl BitWriter {
    fn bit(&mut self, one: bool) {
        if self.free == 0 {
            self.bytes.push(0);
            self.free = 8;
        }
        self.free -= 1;
        if let Some(last) = self.bytes.last_mut() {
            *last |= u8::from(one) << self.free;
        }
    }

    fn rice(&mut self, value: u64, parameter: u32) {
        (0..value >> parameter).for_each(|_| self.bit(true));
        self.bit(false);
        (0..parameter).rev().for_each(|place| self.bit(value >> place & 1 == 1));
    }
}

struct BitReader<'a> {
    bytes: &'a [u8],
    /// Bits read so far.
    place: usize,
}

impl BitReader<'_> {
    fn bit(&mut self) -> Result<u64, StrokeError> {
        let byte = self.bytes.get(self.place / 8).ok_or(StrokeError::Malformed("cut short"))?;
        let bit = byte >> (7 - self.place % 8) & 1;
        self.place += 1;
        Ok(u64::from(bit))
    }

    /// At most as long as the bytes are, whatever they say.
    fn rice(&mut self, parameter: u32) -> Result<u64, StrokeError> {
        let mut value = 0;
        while self.bit()? == 1 {
            value += 1;
        }
        for _ in 0..parameter {
            value = value << 1 | self.bit()?;
        }
        Ok(value)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use arbtest::{arbitrary, arbtest};

    /// Handwriting: loops that wander to the right at a varying speed, with the tremble of a hand.
    pub fn handwriting(points: usize) -> Stroke {
        let mut noise = 12345_u32;
        let mut tremble = || {
            noise = noise.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (noise >> 16) as f32 / 65536.0 - 0.5
        };
        let place = |i: usize| {
            let angle = i as f32 * 0.22 + (i as f32 * 0.05).sin();
            (300.0 + i as f32 * 1.5 + 30.0 * angle.cos(), 400.0 + 45.0 * angle.sin())
        };
        let points = (0..points).map(place).map(|(x, y)| (x + 0.5 * tremble(), y + 0.5 * tremble()));
        Stroke::new([0x1e, 0x1e, 0x1e], 2.0, points.collect::<Vec<_>>()).unwrap()
    }

    fn any_stroke(u: &mut arbitrary::Unstructured<'_>) -> arbitrary::Result<Stroke> {
        let (color, width) = (u.arbitrary()?, u.int_in_range(1..=super::super::stroke::WIDTH_MAX)?);
        let reach = *u.choose(&[3, 60, 5_000, COORDINATE_MAX])?;
        let mut points = Vec::new();
        for _ in 0..u.int_in_range(1..=200)? {
            let mut coordinate = || u.int_in_range(-reach..=reach);
            points.push(Point { x: coordinate()?, y: coordinate()? });
        }
        points.dedup();
        Stroke::from_grid(color, width, points).map_err(|_| arbitrary::Error::IncorrectFormat)
    }

    #[test]
    fn what_is_encoded_comes_back() {
        arbtest(|u| {
            let stroke = any_stroke(u)?;
            let bytes = encode(&stroke);
            if bytes.len() <= ENCODED_BYTES_MAX {
                assert_eq!(decode(&bytes), Ok(stroke));
            }
            Ok(())
        });
    }

    #[test]
    fn a_stroke_of_120_points_fits_into_250_bytes() {
        let stroke = handwriting(120);
        assert_eq!(stroke.grid().len(), 120);
        let bytes = encode(&stroke).len();
        assert!(bytes <= 250, "{bytes} bytes");
    }

    #[test]
    fn random_bytes_are_refused_or_are_the_only_encoding() {
        arbtest(|u| {
            let bytes: Vec<u8> = u.arbitrary()?;
            if let Ok(stroke) = decode(&bytes) {
                assert_eq!(encode(&stroke), bytes);
            }
            Ok(())
        });
    }

    #[test]
    fn damaged_strokes_are_refused() {
        let good = encode(&handwriting(40));
        for cut in 0..good.len() {
            assert!(decode(&good[..cut]).is_err(), "cut at {cut}");
        }
        let trailing = [good.as_slice(), &[0]].concat();
        assert_eq!(decode(&trailing), Err(StrokeError::Malformed("not the shortest encoding")));
        let endless = [&good[..3], &[0x80; 9]].concat();
        assert_eq!(decode(&endless), Err(StrokeError::Malformed("number too long")));
        assert_eq!(decode(&vec![0; ENCODED_BYTES_MAX + 1]), Err(StrokeError::Malformed("too many bytes")));
    }

    #[test]
    fn the_bytes_of_a_known_stroke_stay_what_they_are() {
        let stroke = Stroke::new([0xe0, 0x31, 0x31], 4.0, [(1.0, 2.0), (2.0, 2.5), (3.5, 2.5)]).unwrap();
        assert_eq!(encode(&stroke), [0xe0, 0x31, 0x31, 32, 3, 16, 32, 0x23, 0xc2, 0x10, 0x70]);
    }
}
