//! Throwaway RabbitMQ nodes on loopback.
