//! What RabbitMQ does with a message, exactly.
