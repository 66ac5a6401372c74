//! Homographies: how one view of a flat thing becomes another, exactly, from four points.

/// Right and down.
pub type Vector = [f64; 2];

/// A homography, as the rows of its matrix: how one view of a flat thing becomes another.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Plane([[f64; 3]; 3]);

impl Plane {
    /// The homography that takes the corners of the unit square, clockwise from the origin as the picture shows it, to
    /// these four. None if they lie in a line.
    #[must_use]
    pub fn through(&[origin, right, far, down]: &[Vector; 4]) -> Option<Self> {
        let (one, two) = (difference(right, far), difference(down, far));
        let skew = difference(sum(origin, far), sum(right, down));
        let area = cross(one, two);
        let (g, h) = (cross(skew, two) / area, cross(one, skew) / area);
        let [x, y] = [0, 1].map(|axis| {
            let [origin, right, down] = [origin[axis], right[axis], down[axis]];
            [right - origin + g * right, down - origin + h * down, origin]
        });
        (area.abs() > 0.0 && g.is_finite() && h.is_finite()).then_some(Self([x, y, [g, h, 1.0]]))
    }

    /// The map back, up to scale.
    #[must_use]
    pub fn inverse(&self) -> Option<Self> {
        let [[a, b, c], [d, e, f], [g, h, i]] = self.0;
        let cofactors = [
            [e * i - f * h, c * h - b * i, b * f - c * e],
            [f * g - d * i, a * i - c * g, c * d - a * f],
            [d * h - e * g, b * g - a * h, a * e - b * d],
        ];
        let determinant = a * cofactors[0][0] + b * cofactors[1][0] + c * cofactors[2][0];
        (determinant.abs() > 0.0 && determinant.is_finite()).then_some(Self(cofactors))
    }

    /// This map after another.
    #[must_use]
    pub fn after(&self, first: &Self) -> Self {
        let product = |row: [f64; 3], column: usize| (0..3).map(|it| row[it] * first.0[it][column]).sum();
        Self(self.0.map(|row| std::array::from_fn(|column| product(row, column))))
    }

    /// Where a point goes. What lies beyond the horizon comes back as numbers without meaning, or as none.
    #[must_use]
    pub fn apply(&self, [x, y]: Vector) -> Vector {
        let [u, v, w] = self.0.map(|[a, b, c]| a * x + b * y + c);
        [u / w, v / w]
    }

    /// How far the image of a point moves for a step to the right and for a step down.
    #[must_use]
    pub fn slope(&self, at: Vector) -> [Vector; 2] {
        let [x, y] = at;
        let [u, v] = self.apply(at);
        let [to_u, to_v, [g, h, i]] = self.0;
        let w = g * x + h * y + i;
        let step = |axis: usize| {
            let toward = [g, h][axis];
            [(to_u[axis] - u * toward) / w, (to_v[axis] - v * toward) / w]
        };
        [step(0), step(1)]
    }
}

/// Largest and least factor by which the linear map with these two columns stretches a vector.
pub(super) fn scales(right: Vector, down: Vector) -> (f64, f64) {
    let (squares, area) = (dot(right, right) + dot(down, down), cross(right, down).abs());
    let apart = (squares * squares - 4.0 * area * area).max(0.0).sqrt();
    let largest = ((squares + apart) / 2.0).sqrt();
    (largest, area / largest)
}

pub(super) fn sum(left: Vector, right: Vector) -> Vector {
    [left[0] + right[0], left[1] + right[1]]
}

pub(super) fn difference(left: Vector, right: Vector) -> Vector {
    [left[0] - right[0], left[1] - right[1]]
}

pub(super) fn scaled([x, y]: Vector, factor: f64) -> Vector {
    [x * factor, y * factor]
}

pub(super) fn dot(left: Vector, right: Vector) -> f64 {
    left[0] * right[0] + left[1] * right[1]
}

/// Positive if `right` lies clockwise of `left` in the picture.
pub(super) fn cross(left: Vector, right: Vector) -> f64 {
    left[0] * right[1] - left[1] * right[0]
}

pub(super) fn length(vector: Vector) -> f64 {
    vector[0].hypot(vector[1])
}
