//! The server over real sockets: what it answers to what is right, wrong and hostile.

mod calls;
mod doors;
mod feeds;
mod wrong;
