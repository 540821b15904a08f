#pragma once

void test_deliveries();
