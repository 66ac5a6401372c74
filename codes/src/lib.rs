//! Finds QR codes in pictures.
