//! The main job from end to end, in a terminal, on the local gateway.
