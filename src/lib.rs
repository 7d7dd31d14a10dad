//! Topology as code for RabbitMQ.
