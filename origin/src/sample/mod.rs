//! The bundled sample data.
