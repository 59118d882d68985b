//! A deploy against bad weather.
