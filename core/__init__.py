"""The ground floor: errors, schema, parameters, registry, arrays and backtrader lines."""
