"""The 工作台账 as a workbook: two people ask and sign, rows are written as they are read."""
