//! The network road between an agent and the registry.
