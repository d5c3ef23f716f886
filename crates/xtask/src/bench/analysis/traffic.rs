use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

const USERS_PER_SECOND: u64 = 20;
/// Requests of one user, where errors come in clusters: as many on average of one who meets with errors, all of which fail.
const CLUSTER: u64 = 10;
/// Noise on the logarithm of the rate, the same for both sides: how much of it stays from one second to the next, and its deviation.
const PERSISTENCE: f64 = 0.99;
const NOISE: f64 = 0.5;

#[derive(Debug, Clone, Copy)]
pub(super) struct Scene {
    /// The part of users on the canary.
    pub(super) share: f64,
    pub(super) base_rate: f64,
    /// How many times the base rate the canary's is.
    pub(super) times: f64,
    pub(super) clusters: bool,
}

/// One side in one second.
#[derive(Debug, Clone, Copy)]
pub(super) struct Side {
    pub(super) users: u64,
    pub(super) users_with_error: u64,
    pub(super) requests: u64,
    pub(super) errors: u64,
}

#[derive(Debug, Clone, Copy)]
pub(super) struct Second {
    pub(super) baseline: Side,
    pub(super) canary: Side,
}

impl Second {
    /// Users with an error, on both sides.
    pub(super) fn errors(&self) -> u64 {
        self.baseline.users_with_error + self.canary.users_with_error
    }
}

pub(super) struct Traffic {
    scene: Scene,
    random: StdRng,
    noise: f64,
}

impl Traffic {
    pub(super) fn new(scene: Scene, seed: u64) -> Self {
        let mut random = StdRng::seed_from_u64(seed);
        let noise = NOISE * normal(&mut random);
        Self { scene, random, noise }
    }

    pub(super) fn second(&mut self) -> Second {
        let fresh = NOISE * (1.0 - PERSISTENCE * PERSISTENCE).sqrt() * normal(&mut self.random);
        self.noise = PERSISTENCE * self.noise + fresh;
        // So that the mean rate is the base rate.
        let rate = self.scene.base_rate * (self.noise - NOISE * NOISE / 2.0).exp();
        let canary = self.hit(USERS_PER_SECOND, self.scene.share);
        Second {
            canary: self.side(canary, rate * self.scene.times),
            baseline: self.side(USERS_PER_SECOND - canary, rate),
        }
    }

    fn side(&mut self, users: u64, rate: f64) -> Side {
        let users_with_error = self.hit(users, rate.min(0.9));
        if !self.scene.clusters {
            return Side { users, users_with_error, requests: users, errors: users_with_error };
        }
        let fail = |random: &mut StdRng| random.random_range(1..2 * CLUSTER);
        let errors = (0..users_with_error).map(|_| fail(&mut self.random)).sum();
        let requests = (users - users_with_error) * CLUSTER + errors;
        Side { users, users_with_error, requests, errors }
    }

    /// How many of `users` are hit, each with this probability: by the gaps between those who are.
    fn hit(&mut self, users: u64, rate: f64) -> u64 {
        let (mut hit, mut left) = (0, users as f64);
        loop {
            let gap = (1.0 - self.random.random::<f64>()).ln() / (1.0 - rate).ln();
            left -= gap.floor() + 1.0;
            if left < 0.0 {
                return hit;
            }
            hit += 1;
        }
    }
}

/// A standard normal number, by Box and Muller.
fn normal(random: &mut StdRng) -> f64 {
    let (length, turn) = (1.0 - random.random::<f64>(), random.random::<f64>());
    (-2.0 * length.ln()).sqrt() * (std::f64::consts::TAU * turn).cos()
}
