//! The complaint service as its users meet it. Its peers are small servers that answer what the real ones would.

mod breaches;
mod bulk;
mod intake;
mod leaving;
mod life;
mod numbers;
mod scope;
mod stand_ins;
mod steps;
mod world;
