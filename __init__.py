"""tapeflow: order-flow bars, indicators and strategies from every trade, through backtrader."""
