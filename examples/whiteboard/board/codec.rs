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
//! | if there are more: parameter `k` (low 5 bits), order − 1 (bit 5), whether pressures follow (bit 6) | 1 |
//! | with pressures: that of the first point, and if there are more points, the pressures' own parameter | 1–2 |
//! | the others: Rice-coded residuals, x then y, most significant bit first | |
//! | with pressures: the Rice-coded differences between neighbours | |
//! | zero bits to the byte's end | the rest |
//!
//! A residual is the difference to the predicted coordinate: the last one (order 1) or the last one moved on by the
//! last step (order 2). Its Rice code with parameter `k` is the zigzagged value shifted right by `k` in unary (ones,
//! then a zero), then its low `k` bits. The encoder takes the order and `k` that give the fewest bits, the lowest on
//! a tie; the decoder refuses every other encoding, so that a stroke has exactly one. A stroke that nothing was felt of
//! has no word of pressures; for a single point, a byte after it is its pressure.

use super::{
    pressure::Pressure,
    stroke::{COORDINATE_MAX, ENCODED_BYTES_MAX, POINTS_MAX, Point, Stroke, StrokeError},
};

/// The largest Rice parameter: a residual of order 2 has fewer than 28 bits.
const PARAMETER_MAX: u32 = 27;
/// Where the order is in the byte of the parameter.
const ORDER_BIT: u8 = 1 << 5;
/// Where the same byte says that pressures follow.
const PRESSURE_BIT: u8 = 1 << 6;
/// The largest Rice parameter of pressures: a difference has 9 bits and a sign.
const PRESSURE_PARAMETER_MAX: u32 = 9;

/// The bytes of a stroke.
pub fn encode(stroke: &Stroke) -> Vec<u8> {
    let points = stroke.grid();
    let mut bytes = stroke.color().to_vec();
    put_number(&mut bytes, u64::from(stroke.width_steps()));
    put_number(&mut bytes, points.len() as u64);
    put_number(&mut bytes, zigzag(i64::from(points[0].x)));
    put_number(&mut bytes, zigzag(i64::from(points[0].y)));
    let pressures = stroke.pressures();
    if points.len() == 1 {
        bytes.extend(pressures.iter().map(|pressure| pressure.0));
        return bytes;
    }
    let (order, parameter, residuals) = cheapest(points);
    let order_bit = if order == 2 { ORDER_BIT } else { 0 };
    let pressure_bit = if pressures.is_empty() { 0 } else { PRESSURE_BIT };
    bytes.push(parameter as u8 | order_bit | pressure_bit);
    let differences = differences(pressures);
    let (_, pressure_parameter) = fewest_bits(&differences, PRESSURE_PARAMETER_MAX);
    if let Some(first) = pressures.first() {
        bytes.extend([first.0, pressure_parameter as u8]);
    }
    let mut bits = BitWriter { bytes, free: 0 };
    residuals.iter().for_each(|&residual| bits.rice(residual, parameter));
    differences.iter().for_each(|&difference| bits.rice(difference, pressure_parameter));
    bits.bytes
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
    let color = [color[0], color[1], color[2]];
    let (points, pressures) = if count == 1 {
        (vec![first], rest.iter().map(|&pressure| Pressure(pressure)).collect())
    } else {
        more_points(first, count as usize, rest)?
    };
    Stroke::from_grid(color, width, points, pressures)
}

/// The points from the first on, with their pressures if there are any.
fn more_points(first: Point, count: usize, rest: &[u8]) -> Result<(Vec<Point>, Vec<Pressure>), StrokeError> {
    let (&head, mut rest) = rest.split_first().ok_or(StrokeError::Malformed("no parameter"))?;
    let (pressed, order) = (head & PRESSURE_BIT != 0, if head & ORDER_BIT == 0 { 1 } else { 2 });
    let parameter = in_range(head & !ORDER_BIT & !PRESSURE_BIT, PARAMETER_MAX)?;
    let (mut pressures, mut pressure_parameter) = (Vec::new(), 0);
    if pressed {
        let (&[first, parameter], bits) = rest.split_first_chunk().ok_or(StrokeError::Malformed("no pressure"))?;
        pressures.push(Pressure(first));
        pressure_parameter = in_range(parameter, PRESSURE_PARAMETER_MAX)?;
        rest = bits;
    }
    let mut bits = BitReader { bytes: rest, place: 0 };
    let mut points = vec![first];
    while points.len() < count {
        let (x, y) = predicted(&points, order);
        let mut next = |from: i64| on_board(from + unzigzag(bits.rice(parameter)?));
        points.push(Point { x: next(x)?, y: next(y)? });
    }
    while pressed && pressures.len() < count {
        let last = i64::from(pressures[pressures.len() - 1].0);
        let next = u8::try_from(last + unzigzag(bits.rice(pressure_parameter)?));
        pressures.push(Pressure(next.map_err(|_| StrokeError::Malformed("pressure out of range"))?));
    }
    Ok((points, pressures))
}

fn in_range(parameter: u8, largest: u32) -> Result<u32, StrokeError> {
    let parameter = u32::from(parameter);
    if parameter <= largest { Ok(parameter) } else { Err(StrokeError::Malformed("parameter out of range")) }
}

/// The order, parameter and residuals with the fewest bits.
fn cheapest(points: &[Point]) -> (u8, u32, Vec<u64>) {
    let coded = [1, 2].map(|order| {
        let residuals = residuals(points, order);
        let (bits, parameter) = fewest_bits(&residuals, PARAMETER_MAX);
        (bits, order, parameter, residuals)
    });
    let [first, second] = coded;
    let (_, order, parameter, residuals) = if second.0 < first.0 { second } else { first };
    (order, parameter, residuals)
}

/// How many bits some numbers take, and the parameter up to the largest with which it is so few.
///
/// From one parameter to the next each number takes a bit more, and its unary part saves half of what is left of it:
/// never more than the step before. Once that is no gain, no larger one is.
fn fewest_bits(numbers: &[u64], largest: u32) -> (u64, u32) {
    let bits = |k: u32| numbers.iter().map(|&number| (number >> k) + 1 + u64::from(k)).sum::<u64>();
    let mut fewest = (bits(0), 0);
    for k in 1..=largest {
        let next = (bits(k), k);
        if next >= fewest {
            break;
        }
        fewest = next;
    }
    fewest
}

/// How the pressure changes from each point to the next.
fn differences(pressures: &[Pressure]) -> Vec<u64> {
    pressures.windows(2).map(|pair| zigzag(i64::from(pair[1].0) - i64::from(pair[0].0))).collect()
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
        let felt = if u.arbitrary()? { points.len() } else { 0 };
        let pressures = (0..felt).map(|_| u.arbitrary().map(Pressure)).collect::<Result<_, _>>()?;
        Stroke::from_grid(color, width, points, pressures).map_err(|_| arbitrary::Error::IncorrectFormat)
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

    /// The same, by a pen that is pressed harder on each stroke's way down and lifted at the end.
    fn pressed_handwriting(points: usize) -> Stroke {
        let plain = handwriting(points);
        let felt = |i: usize| {
            let (on, off) = (i.min(12) as f32 / 12.0, (points - 1 - i).min(8) as f32 / 8.0);
            let tremble = if i.is_multiple_of(2) { 0.01 } else { -0.01 };
            Pressure::of_share(on.min(off) * (0.55 + 0.2 * (i as f32 * 0.22).sin() + tremble))
        };
        let pressures = (0..plain.grid().len()).map(felt).collect();
        Stroke::from_grid(plain.color(), plain.width_steps(), plain.grid().to_vec(), pressures).unwrap()
    }

    #[test]
    fn a_pen_that_feels_adds_less_than_a_byte_a_point() {
        let (plain, pressed) = (encode(&handwriting(120)).len(), encode(&pressed_handwriting(120)).len());
        assert!(pressed <= 400 && pressed < plain + 120, "{pressed} bytes, {plain} without pressures");
    }

    #[test]
    fn the_worst_pressures_still_take_little_more_than_a_byte_each() {
        let shaken = |i: usize| Pressure(if i.is_multiple_of(2) { 0 } else { 255 });
        let plain = handwriting(120);
        let pressures = (0..120).map(shaken).collect();
        let pressed = Stroke::from_grid([0; 3], 8, plain.grid().to_vec(), pressures).unwrap();
        assert!(encode(&pressed).len() <= encode(&plain).len() + 2 + 120 * 11 / 8);
    }

    #[test]
    fn no_parameter_takes_fewer_bits_than_the_one_that_is_taken() {
        arbtest(|u| {
            let wide: Vec<u32> = u.arbitrary()?;
            let spread = u.int_in_range(0..=31)?;
            let numbers: Vec<_> = wide.into_iter().map(|number| u64::from(number >> spread)).collect();
            let bits = |k: u32| numbers.iter().map(|&number| (number >> k) + 1 + u64::from(k)).sum::<u64>();
            let exhaustive = (0..=PARAMETER_MAX).map(|k| (bits(k), k)).min().unwrap();
            assert_eq!(fewest_bits(&numbers, PARAMETER_MAX), exhaustive);
            Ok(())
        });
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
    fn damaged_pressures_are_refused() {
        let good = encode(&pressed_handwriting(40));
        for cut in 0..good.len() {
            assert!(decode(&good[..cut]).is_err(), "cut at {cut}");
        }
        let dot = encode(&Stroke::pressed([1, 2, 3], 2.0, [((0.0, 0.0), Pressure(7))]).unwrap());
        assert!(decode(&[dot.as_slice(), &[7]].concat()).is_err(), "a dot has one pressure");
    }

    #[test]
    fn what_says_evenly_that_nothing_was_felt_is_refused() {
        let mut dot = encode(&Stroke::new([1, 2, 3], 2.0, [(0.0, 0.0)]).unwrap());
        dot.push(Pressure::EVEN.0);
        assert_eq!(decode(&dot), Err(StrokeError::Malformed("not the shortest encoding")));
    }

    #[test]
    fn pressures_beyond_the_hardest_are_refused() {
        // Two points; the pressure rises from 250 by 8, which is 16 zigzagged.
        let stroke = [1, 2, 3, 16, 2, 0, 0, PRESSURE_BIT, 250, 4, 0b1100_1000, 0];
        assert_eq!(decode(&stroke), Err(StrokeError::Malformed("pressure out of range")));
        let parameter = [1, 2, 3, 16, 2, 0, 0, PRESSURE_BIT, 250, 10, 0b1100_1000, 0];
        assert_eq!(decode(&parameter), Err(StrokeError::Malformed("parameter out of range")));
    }

    #[test]
    fn the_bytes_of_a_known_pressed_stroke_stay_what_they_are() {
        let places = [((1.0, 2.0), Pressure(20)), ((2.0, 2.5), Pressure(24)), ((3.5, 2.5), Pressure(22))];
        let stroke = Stroke::pressed([0xe0, 0x31, 0x31], 4.0, places).unwrap();
        let bytes = [0xe0, 0x31, 0x31, 32, 3, 16, 32, 0x63, 20, 2, 0xc2, 0x10, 0x7c, 0x30];
        assert_eq!(encode(&stroke), bytes);
        assert_eq!(decode(&bytes), Ok(stroke));
        let dot = Stroke::pressed([0xe0, 0x31, 0x31], 4.0, [((1.0, 2.0), Pressure(20))]).unwrap();
        assert_eq!(encode(&dot), [0xe0, 0x31, 0x31, 32, 1, 16, 32, 20]);
    }

    #[test]
    fn the_bytes_of_a_known_stroke_stay_what_they_are() {
        let stroke = Stroke::new([0xe0, 0x31, 0x31], 4.0, [(1.0, 2.0), (2.0, 2.5), (3.5, 2.5)]).unwrap();
        assert_eq!(encode(&stroke), [0xe0, 0x31, 0x31, 32, 3, 16, 32, 0x23, 0xc2, 0x10, 0x70]);
    }
}
