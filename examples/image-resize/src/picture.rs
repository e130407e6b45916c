//! A picture as its pixels.

use std::io::Cursor;

use functions_framework::{BoxError, Result};
use png::{BitDepth, ColorType, Decoder, Encoder, Transformations};

/// A few bytes can say that they are a picture of gigabytes.
const MOST_PIXELS: u64 = 16_000_000;

/// Eight bits a channel, one channel after the other, row by row.
pub(crate) struct Picture {
    pub(crate) width: u32,
    pub(crate) height: u32,
    channels: usize,
    color: ColorType,
    pixels: Vec<u8>,
}

impl Picture {
    pub(crate) fn decode(bytes: impl AsRef<[u8]>) -> Result<Self, BoxError> {
        let mut decoder = Decoder::new(Cursor::new(bytes));
        decoder.set_transformations(Transformations::normalize_to_color8());
        let mut reader = decoder.read_info()?;
        let (width, height) = (reader.info().width, reader.info().height);
        if u64::from(width) * u64::from(height) > MOST_PIXELS {
            return Err(format!("{width} x {height} pixels: expected at most {MOST_PIXELS}").into());
        }
        let size = reader.output_buffer_size().ok_or("the picture is larger than the memory")?;
        let mut pixels = vec![0; size];
        let frame = reader.next_frame(&mut pixels)?;
        Ok(Self { width, height, channels: frame.color_type.samples(), color: frame.color_type, pixels })
    }

    /// The same picture with this width, unless it is that small already: each pixel is the mean of those it stands for.
    pub(crate) fn shrunk(self, width: u32) -> Self {
        if width >= self.width {
            return self;
        }
        let scaled = u64::from(self.height) * u64::from(width) / u64::from(self.width);
        let height = u32::try_from(scaled).unwrap_or(self.height).max(1);
        let mut pixels = Vec::with_capacity(width as usize * height as usize * self.channels);
        for row in 0..height {
            for column in 0..width {
                let (rows, columns) = (span(row, height, self.height), span(column, width, self.width));
                for channel in 0..self.channels {
                    pixels.push(self.mean(rows.clone(), columns.clone(), channel));
                }
            }
        }
        Self { width, height, pixels, ..self }
    }

    fn mean(&self, rows: std::ops::Range<usize>, columns: std::ops::Range<usize>, channel: usize) -> u8 {
        let count = (rows.len() * columns.len()) as u64;
        let at = |row: usize, column: usize| (row * self.width as usize + column) * self.channels + channel;
        let sum: u64 = rows
            .flat_map(|row| columns.clone().map(move |column| (row, column)))
            .map(|(row, column)| u64::from(self.pixels[at(row, column)]))
            .sum();
        u8::try_from(sum / count).unwrap_or(u8::MAX)
    }

    pub(crate) fn encode(&self) -> Result<Vec<u8>> {
        let mut bytes = Vec::new();
        let mut encoder = Encoder::new(&mut bytes, self.width, self.height);
        encoder.set_color(self.color);
        encoder.set_depth(BitDepth::Eight);
        encoder.write_header()?.write_image_data(&self.pixels)?;
        Ok(bytes)
    }
}

/// What one of `of` parts of a length stands for: never nothing, since there are no more parts than pixels.
fn span(part: u32, of: u32, length: u32) -> std::ops::Range<usize> {
    let at = |part: u32| usize::try_from(u64::from(part) * u64::from(length) / u64::from(of)).unwrap_or(usize::MAX);
    at(part)..at(part + 1).max(at(part) + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pixel_is_the_mean_of_those_it_stands_for() {
        let gray = |width, height, pixels: &[u8]| Picture {
            width,
            height,
            channels: 1,
            color: ColorType::Grayscale,
            pixels: pixels.to_vec(),
        };
        assert_eq!(gray(4, 2, &[0, 10, 100, 100, 20, 30, 200, 200]).shrunk(2).pixels, [15, 150]);
        assert_eq!(gray(3, 1, &[1, 2, 3]).shrunk(2).pixels, [1, 2]);
        assert_eq!(gray(2, 1, &[1, 2]).shrunk(9).pixels, [1, 2], "it grows no more");
    }

    #[test]
    fn a_picture_of_gigabytes_is_refused_before_there_is_room_for_it() {
        let mut bytes = Vec::new();
        let encoder = Encoder::new(&mut bytes, 60_000, 60_000);
        encoder.write_header().unwrap().write_chunk(png::chunk::IDAT, &[0]).unwrap();
        let error = Picture::decode(&bytes).map(|_| ()).unwrap_err().to_string();
        assert!(error.contains("60000 x 60000 pixels") || error.contains("limit"), "{error}");
    }
}
